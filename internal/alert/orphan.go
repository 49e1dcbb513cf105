package alert

import (
	"cmp"
	"context"
	"log/slog"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// deletedWaitMs is how long a message waits for a channel that was deleted, in milliseconds: two servers may both tell
// people for a while, of which one has read older settings.
const deletedWaitMs = 60_000

// FixedPrefix is that of the ids of channels that are in the settings of servers, and in no database.
const FixedPrefix = "env"

// Fixed reports whether an id is that of a channel of the settings.
func Fixed(id string) bool { return id == FixedPrefix || strings.HasPrefix(id, FixedPrefix+"-") }

// Orphaned says why a message that was made, or was to be sent again, at an instant is not sent to a channel any more.
// c is the channel, nil: it is not there. Empty: it waits. What may come back, since a server has other settings for a
// while or a channel is disabled until it is mended, is waited for as long as for one that does not answer.
//
//	channel                  waits for
//	there                    its turn
//	disabled                 a day
//	of the settings, gone    a day
//	of the database, gone    a minute
func Orphaned(id string, c *domain.Channel, since, now int64) string {
	waits, why := int64(dayMs), "the channel is disabled"
	switch {
	case c != nil && !c.Disabled:
		return ""
	case c != nil:
	case Fixed(id):
		why = "the settings do not have the channel"
	default:
		waits, why = deletedWaitMs, "there is no such channel: it was deleted"
	}
	if now < since+waits {
		return ""
	}
	return why
}

// orphans ends the messages that are not sent any more.
type orphans struct {
	at int64 // when it has done so last
}

// end ends them, once a minute.
func (o *orphans) end(ctx context.Context, cfg *Config, settings *Settings, now int64) error {
	if now-o.at < minuteMs && now >= o.at {
		return nil
	}
	o.at = now
	waiting, err := cfg.Store.AlertSettings().PendingByChannel(ctx)
	if err != nil {
		return err
	}
	for i := range waiting {
		id := waiting[i].Channel
		c := settings.channel(id)
		if Orphaned(id, c, 0, now) == "" {
			continue
		}
		ended, why, err := endOrphansOf(ctx, cfg.Store.Notices(), id, c, now)
		cfg.Metrics.Ended(kindLabel(c), false, ended)
		if ended > 0 {
			level := slog.LevelError
			if c != nil { // somebody has disabled it
				level = slog.LevelWarn
			}
			cfg.Log.Log(ctx, level, "people were not told of alerts: messages of a channel are not sent", "channel", id,
				"messages", ended, "reason", why)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// endOrphansOf ends those of a channel, the oldest first. It says how many, and why.
func endOrphansOf(ctx context.Context, notices store.Notices, id string, c *domain.Channel, now int64) (
	ended int, why string, err error) {
	for {
		oldest, err := notices.Messages(ctx, store.MessageQuery{Pending: true, Channel: id, Limit: pendingAtOnce})
		if err != nil {
			return ended, why, err
		}
		before := ended
		for i := range oldest {
			n := &oldest[i]
			reason := Orphaned(id, c, cmp.Or(n.Delivery.From, n.CreatedAt), now)
			if reason == "" {
				continue
			}
			n.State, n.Delivery.Error, n.Delivery.EndedAt = domain.NotificationUndeliverable, reason, now
			if err := notices.Mark(ctx, *n); err != nil {
				return ended, why, err
			}
			ended, why = ended+1, reason
		}
		if ended == before || len(oldest) < pendingAtOnce {
			return ended, why, nil
		}
	}
}
