package alert

import (
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// repeatEveryMs is how often Alertmanager gets what is open: it keeps nothing over a restart, and ends what it
	// does not hear of.
	repeatEveryMs = minuteMs
	// toldAtOnce bounds the groups of a repeat, and toldAtMost the messages that are read for them after a start.
	toldAtOnce = 200
	toldAtMost = 5_000
)

// repeat sends the groups that are open and that the channel knows of, if its kind wants to be told again and again.
// An attempt that fails is made again a minute later, and is no message of its own: what people have to be told is.
func (k *courier) repeat(ctx context.Context) error {
	now := clock.NowMs(k.cfg.Clock)
	if !k.channel.Kind.Repeated() || now < k.repeatAt {
		return nil
	}
	k.repeatAt = now + repeatEveryMs
	if k.told == nil {
		if err := k.readTold(ctx); err != nil {
			return err
		}
	}
	for ids := range slices.Chunk(slices.Collect(maps.Keys(k.told)), toldAtOnce) {
		found, err := k.notices.Groups(ctx, store.GroupQuery{IDs: ids, Limit: len(ids)})
		if err != nil {
			return err
		}
		m := &Message{Type: domain.NoticeUpdated, At: now, Link: k.cfg.Link}
		closed := maps.Clone(k.told)
		for i := range found {
			if found[i].State != domain.GroupClosed {
				delete(closed, found[i].ID)
			}
			if found[i].RecoveredAt == 0 && found[i].State != domain.GroupClosed {
				m.Groups = append(m.Groups, found[i])
			}
		}
		for _, id := range ids {
			if closed[id] {
				delete(k.told, id)
			}
		}
		if len(m.Groups) > 0 {
			_ = k.cfg.Sender.Send(ctx, &k.channel, m)
		}
	}
	return nil
}

// readTold reads which groups the channel has got messages of, after a start or a change of the channel.
func (k *courier) readTold(ctx context.Context) error {
	told := make(map[domain.GroupID]bool)
	q := store.MessageQuery{Channel: k.channel.ID, Limit: toldAtOnce}
	for n := 0; n < toldAtMost; n += q.Limit {
		page, err := k.notices.Messages(ctx, q)
		if err != nil {
			return err
		}
		for i := range page {
			if page[i].State == domain.NotificationDelivered {
				told[page[i].Group] = true
			}
			q.Before = page[i].ID
		}
		if len(page) < q.Limit {
			break
		}
	}
	k.told = told
	return nil
}
