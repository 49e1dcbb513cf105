package alert

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	lookEvery = time.Second

	// changesAtOnce bounds a step: some 500 members and as many marks, a commit of some 10 ms.
	changesAtOnce = 500

	storeTimeout = 15 * time.Second
	// orphansTimeout is for what people do not wait for.
	orphansTimeout = 2 * time.Second
)

// Teller decides of what people are told, and sees to it that they are. One of several processes on a database runs
// it at a time; that two do for a while does no harm.
type Teller struct {
	Config
	notices  store.Notices
	settings Settings
	groups   *openGroups // nil: to be read
	round    round
	watch    watch
	patrol   patrol
	subjects subjects
	orphans  orphans
	refused  bool // the last step: another one came first
	measured measuring
	couriers map[string]*courier
	sending  sync.WaitGroup
}

// New makes a teller. The error is about the config.
func New(c Config) (*Teller, error) {
	if c.Store == nil || c.Clock == nil || c.Log == nil || c.Sender == nil || c.Settings == nil {
		return nil, errors.New("alert: Store, Clock, Log, Sender and Settings are required")
	}
	if c.Metrics == nil {
		c.Metrics = telemetry.NewAlerts()
	}
	return &Teller{Config: c, notices: c.Store.Notices(), couriers: make(map[string]*courier)}, nil
}

// Run tells people until the context ends.
func (t *Teller) Run(ctx context.Context) {
	t.groups, t.patrol, t.subjects = nil, patrol{}, subjects{} // another process may have gone on meanwhile
	t.measured = measuring{}
	t.Metrics.Begin(func() int64 { return clock.NowMs(t.Clock) })
	defer t.sending.Wait()
	defer t.stopCouriers()
	defer t.Metrics.End() // first: another process may tell people before the last attempt has ended
	failed := false
	for {
		begun := t.Clock.Mark()
		more, err := t.runOnce(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && !failed {
			t.Log.Warn("people cannot be told of alerts for now", telemetry.KeyError, err)
		}
		failed = err != nil
		if !clock.Wait(ctx, restAfter(more, t.Clock.Elapsed(begun))) {
			return
		}
	}
}

// restAfter returns how long a teller waits after a step that took so long. With more to be done it takes a quarter of
// a processor: when 10,000 jobs of one host fail at once, the fires of others are due in the same second.
func restAfter(more bool, took time.Duration) time.Duration {
	if more {
		return min(3*took, lookEvery)
	}
	return lookEvery
}

// runOnce makes a step. It reports whether there is more to be done at once.
func (t *Teller) runOnce(ctx context.Context) (more bool, err error) {
	ctx, cancel := context.WithTimeout(ctx, storeTimeout)
	defer cancel()
	if t.Faults != nil {
		t.subjects.observe(t.Faults(), clock.NowMs(t.Clock))
	}
	settings, err := t.Settings(ctx)
	if err != nil {
		return false, err
	}
	t.settings = settings
	t.serve(ctx)
	if t.groups == nil {
		if t.groups, err = readOpenGroups(ctx, t.notices); err != nil {
			t.groups = nil
			return false, err
		}
	}
	more, err = t.step(ctx)
	t.endOrphans(ctx)
	if err != nil {
		t.groups = nil                                    // whatever was kept is read again
		if domain.ErrorCode(err) == domain.CodeConflict { // somebody has acknowledged a group, or decides too
			t.Log.Info("a group of alerts has changed while it was decided on", telemetry.KeyError, err)
			t.refused = true
			return false, nil
		}
	}
	if err == nil {
		t.Metrics.Looked()
		t.measured.show(ctx, &t.Config, t.groups, &t.settings)
	}
	return more, err
}

// step reads what has changed, decides, and keeps what follows.
func (t *Teller) step(ctx context.Context) (more bool, err error) {
	now := clock.NowMs(t.Clock)
	changes, err := t.notices.Changed(ctx, changesAtOnce)
	if err != nil {
		return false, err
	}
	s := t.begin(now)
	if err := s.fold(ctx, changes); err != nil {
		return false, err
	}
	if err := t.watch.look(ctx, s, t.Clock.Now()); err != nil {
		return false, err
	}
	waiting, err := t.watch.apply(ctx, s)
	if err != nil {
		return false, err
	}
	if err := t.subjects.goOn(ctx, s, t.Clock.Now()); err != nil {
		return false, err
	}
	if err := t.patrol.goOn(ctx, s, t.Clock.Now()); err != nil {
		return false, err
	}
	if t.round.begin(t.groups, t.settings.Rules, t.Clock.Now()) {
		if err := t.round.goOn(ctx, s, &t.watch, &t.subjects); err != nil {
			return false, err
		}
	}
	if err := s.decide(ctx); err != nil {
		return false, err
	}
	more = len(changes) == changesAtOnce || len(s.out.Seen) < len(changes) || waiting || len(t.round.groups) > 0 ||
		len(t.groups.undecided) > 0
	if s.out.Empty() {
		t.subjects.stored()
		return more, nil
	}
	if err := t.notices.Advance(ctx, s.out); err != nil {
		return false, err
	}
	t.refused = false
	t.subjects.stored()
	t.groups.commit(s.out.Groups)
	for i := range s.out.Made {
		t.wake(s.out.Made[i].Channel)
	}
	return more, nil
}

// begin begins a step.
func (t *Teller) begin(now int64) *stepping {
	s := &stepping{
		stored: t.Store, notices: t.notices, settings: &t.settings, groups: t.groups, now: now, cautious: t.refused,
		dirty: make(map[domain.GroupID]*domain.Group), made: make(map[groupKey]domain.GroupID),
		read: make(map[memberKey]domain.Member), changed: make(map[memberKey]domain.Member),
		acts: make(map[int64][]domain.Acting),
	}
	s.out.At = now
	return s
}

// endOrphans ends the messages that are not sent any more, after what people are to be told is kept, and also where
// that has failed: the one does not wait for the other.
func (t *Teller) endOrphans(ctx context.Context) {
	own, cancel := context.WithTimeout(ctx, orphansTimeout)
	defer cancel()
	if err := t.orphans.end(own, &t.Config, &t.settings, clock.NowMs(t.Clock)); err != nil && ctx.Err() == nil {
		t.Log.Warn("messages that are not sent any more cannot be ended for now", telemetry.KeyError, err)
	}
}

// serve starts a courier for each channel, and stops those whose channels are gone or have changed.
func (t *Teller) serve(ctx context.Context) {
	wanted := make(map[string]*domain.Channel)
	for i := range t.settings.Channels {
		if c := &t.settings.Channels[i]; !c.Disabled {
			wanted[c.ID] = c
		}
	}
	for id, k := range t.couriers {
		if c := wanted[id]; c == nil || c.Revision != k.channel.Revision {
			k.stop()
			delete(t.couriers, id)
		}
	}
	for id, c := range wanted {
		if t.couriers[id] != nil {
			continue
		}
		k := &courier{
			cfg: &t.Config, notices: t.notices, channel: *c, former: t.settings.formerOf(id),
			woken: make(chan struct{}, 1), most: pendingAtOnce,
		}
		t.Metrics.Serve(kindLabel(c))
		var own context.Context
		own, k.stop = context.WithCancel(context.WithoutCancel(ctx)) // stopCouriers ends it
		t.couriers[id] = k
		t.sending.Go(func() { k.run(own) })
	}
}

func (t *Teller) stopCouriers() {
	for id, k := range t.couriers {
		k.stop()
		delete(t.couriers, id)
	}
}

// wake tells a courier that there is a message.
func (t *Teller) wake(channel string) {
	if k := t.couriers[channel]; k != nil {
		select {
		case k.woken <- struct{}{}:
		default: // it is told already
		}
	}
}
