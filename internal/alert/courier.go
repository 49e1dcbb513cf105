package alert

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	// pendingAtOnce bounds what is read of a channel at a time, and with it a digest.
	pendingAtOnce = 200
	// idleEvery is how often a channel is looked at that nobody has woken: somebody may resend a message at
	// another node.
	idleEvery = 10 * time.Second
)

// courier delivers the messages of one channel, so that no other one waits for it.
type courier struct {
	cfg     *Config
	notices store.Notices
	channel domain.Channel
	former  []string // ids that the channel had before
	woken   chan struct{}
	stop    context.CancelFunc
	sent    []int64 // when messages were sent in the last minute, oldest first
	most    int     // messages of the next digest

	repeatAt int64                   // when open groups are sent again, if the kind wants that
	told     map[domain.GroupID]bool // groups that the channel knows of; nil: to be read
}

func (k *courier) run(ctx context.Context) {
	for ctx.Err() == nil {
		at, err := k.runOnce(ctx)
		if err == nil {
			err = k.repeat(ctx)
		}
		if err != nil && ctx.Err() == nil {
			k.cfg.Log.Warn("the messages of a channel cannot be read or kept for now", "channel", k.channel.ID,
				telemetry.KeyError, err)
		}
		wait := min(idleEvery, time.Duration(max(0, at-clock.NowMs(k.cfg.Clock)))*time.Millisecond)
		if at == 0 || err != nil {
			wait = idleEvery
		}
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
		case <-k.woken:
		case <-ctx.Done():
		}
		timer.Stop()
	}
}

// runOnce sends what is due. It returns when something is due next; zero: nothing is pending.
func (k *courier) runOnce(ctx context.Context) (next int64, err error) {
	pending, err := k.pending(ctx)
	if err != nil {
		return 0, err
	}
	now := clock.NowMs(k.cfg.Clock)
	var due []domain.Notification
	for i := range pending {
		if at := pending[i].NextAt; at > now {
			next = sooner(next, at)
		} else {
			due = append(due, pending[i])
		}
	}
	limit := k.channel.PerMinute
	if limit == 0 {
		limit = domain.DefaultPerMinute
	}
	turn := NextTurn(len(due), k.sent, limit, now)
	switch {
	case turn.WaitTo != 0:
		return sooner(next, turn.WaitTo), nil
	case turn.Digest:
		return now, k.send(ctx, due[:min(len(due), k.most)])
	}
	for i := range due[:turn.Send] {
		if err := k.send(ctx, due[i:i+1]); err != nil {
			return 0, err
		}
	}
	if turn.Send > 0 {
		return now, nil // what is due now is read anew
	}
	return next, nil
}

// pending returns what waits for the channel, also under an id that it had before, the next that is due first.
func (k *courier) pending(ctx context.Context) (found []domain.Notification, err error) {
	for _, id := range append(k.former[:len(k.former):len(k.former)], k.channel.ID) {
		part, err := k.notices.Messages(ctx, store.MessageQuery{
			Pending: true, ByDue: true, Channel: id, Limit: pendingAtOnce,
		})
		if err != nil {
			return nil, err
		}
		found = append(found, part...)
	}
	slices.SortStableFunc(found, func(a, b domain.Notification) int { return cmp.Compare(a.NextAt, b.NextAt) })
	return found[:min(len(found), pendingAtOnce)], nil
}

// send makes an attempt for messages, several as a digest, and keeps its outcome.
func (k *courier) send(ctx context.Context, list []domain.Notification) error {
	m := &Message{ID: list[0].ID, Type: list[0].Type, At: list[0].CreatedAt, Link: k.cfg.Link}
	ids := make([]domain.NotificationID, len(list))
	for i := range list {
		ids[i] = list[i].ID
		m.Groups = append(m.Groups, list[i].About)
	}
	if len(list) > 1 {
		m.Type, m.ID = domain.NoticeDigest, domain.NewDigestID(ids, m.At)
	}
	failure := k.attempt(ctx, m)
	if ctx.Err() != nil {
		return ctx.Err() // it is sent again with the same id
	}
	now := clock.NowMs(k.cfg.Clock)
	k.note(now)
	kind := kindLabel(&k.channel)
	k.cfg.Metrics.Attempted(kind, failure == nil)
	inParts := len(list) > 1 && unfit(failure)
	k.most = NextDigest(k.most, len(list), pendingAtOnce, failure == nil, inParts)
	for i := range list {
		if inParts {
			postpone(&list[i], failure, now)
		} else {
			k.outcome(&list[i], ofGroup(failure, i), now)
		}
		if list[i].State == domain.NotificationDelivered {
			if k.told != nil {
				k.told[list[i].Group] = true
			}
			if len(list) > 1 {
				list[i].Delivery.Via = m.ID
			}
		}
		if err := k.notices.Mark(ctx, list[i]); err != nil {
			return err
		}
		if list[i].State.Ended() {
			k.cfg.Metrics.Ended(kind, list[i].State == domain.NotificationDelivered, 1)
		}
	}
	return nil
}

// postpone writes into a message that the digest which had it was refused. It is due as before, in a smaller one, and
// how long it waits after an attempt of its own does not depend on that.
func postpone(n *domain.Notification, failure error, now int64) {
	n.Delivery.Attempts, n.Delivery.LastAt = max(1, n.Delivery.Attempts), now
	n.Delivery.Error = failure.Error()
}

// attempt sends a message, unless it is not known where to.
func (k *courier) attempt(ctx context.Context, m *Message) error {
	if k.channel.Unread != "" {
		return &DeliveryError{Text: k.channel.Unread}
	}
	return k.cfg.Sender.Send(ctx, &k.channel, m)
}

// note keeps when the channel got something, for its limit.
func (k *courier) note(now int64) {
	k.sent = append(k.sent, now)
	for len(k.sent) > 0 && k.sent[0] <= now-minuteMs {
		k.sent = k.sent[1:]
	}
}

// outcome writes what has become of an attempt into its message.
func (k *courier) outcome(n *domain.Notification, failure error, now int64) {
	d := &n.Delivery
	d.Attempts, d.LastAt, d.Error = d.Attempts+1, now, ""
	if failure == nil {
		n.State, d.EndedAt = domain.NotificationDelivered, now
		return
	}
	d.Error = failure.Error()
	answer, reason := &DeliveryError{}, "it could not be delivered for a day"
	if errors.As(failure, &answer) && answer.Refused {
		reason = "the receiver refuses the message"
	} else if at, again := NextAttempt(cmp.Or(d.From, n.CreatedAt), d.Attempts, now, answer.AskedMs); again {
		n.NextAt = at
		return
	}
	n.State, d.EndedAt = domain.NotificationUndeliverable, now
	k.cfg.Log.Error("people were not told of an alert", "reason", reason, "channel", k.channel.ID,
		"notification", n.ID.String(), "group", n.Group.String(), telemetry.KeyError, d.Error)
}
