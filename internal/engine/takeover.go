package engine

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/recovery"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/engine/zones"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// owner claims shards and takes over their jobs.
type owner struct {
	clock    clock.Clock
	store    store.Store
	log      *slog.Logger
	shards   *shard.Set
	zones    *zones.Rules
	registry *registry
	runner   *runner
	keeper   *keeper
	editor   *editor
	shared   bool                    // see Config.Shared
	alive    func(runner int64) bool // see Config.Alive

	reset      bool            // see Config.ResetWatermark
	first      []int           // shards that Start claims
	piece      int             // facts that a recovery holds at a time; zero: the default
	background *sync.WaitGroup // of what is late

	moving turn // one takeover or hand-over at a time

	// deleted are jobs that recoveries have read and that have no fires since the instant, by shard.
	// Under the lock of the registry.
	deleted map[uint8]map[domain.JobID]int64
}

// begin takes the shards that this process owns from the start on.
func (o *owner) begin(ctx context.Context) error {
	if len(o.first) == 0 {
		return o.keeper.beatOnce(ctx)
	}
	return o.own(ctx, o.first)
}

// own claims shards and takes their jobs over from what the last owners left. The
// engine may fire the jobs of other shards meanwhile. After an error none of the
// shards is this node's.
func (o *owner) own(ctx context.Context, numbers []int) error {
	rows, err := o.store.Shards().Peek(ctx)
	if err != nil {
		return fmt.Errorf("recovery: %w", err)
	}
	claims := make([]store.Claim, len(numbers))
	for i, n := range numbers {
		claims[i] = store.Claim{Number: n, Seen: rows[n].Seen()}
	}
	owned, err := o.ownSeen(ctx, claims)
	if err == nil && len(owned) < len(numbers) {
		err = fmt.Errorf("%w: %d of %d shards were claimed", ErrLeaseLost, len(owned), len(numbers))
	}
	return err
}

// ownSeen is own for shards by their rows as they were seen. It returns those that it got.
func (o *owner) ownSeen(ctx context.Context, claims []store.Claim) (owned []int, err error) {
	if err := o.moving.take(ctx); err != nil {
		return nil, err
	}
	defer o.moving.end()
	claims = slices.DeleteFunc(slices.Clone(claims), func(c store.Claim) bool {
		return o.shards.At(uint8(c.Number)).Phase() != shard.Foreign //nolint:gosec // at most hold.MaxShards
	})
	claimed, reset, err := o.claim(ctx, claims)
	if err != nil || len(claimed) == 0 {
		return nil, err
	}
	if err := o.recover(ctx, claimed, reset); err != nil {
		return nil, err
	}
	for _, c := range claimed {
		owned = append(owned, c.Number)
	}
	return owned, nil
}

// recover takes over the jobs of shards that were claimed.
func (o *owner) recover(ctx context.Context, claimed []store.Shard, reset bool) error {
	o.registry.mu.Lock()
	o.shards.Claim(claimed)
	o.registry.mu.Unlock()
	found, until, err := recovery.Run(ctx, recovery.Config{
		Store: o.store, Log: o.log, Shards: o.shards, Zones: o.zones, Now: o.now(), Piece: o.piece, Reset: reset,
		Count: o.runner.count, Alive: o.alive,
	}, claimed)
	if err != nil {
		o.abandon(claimed)
		return err
	}
	if err := o.takeOver(ctx, claimed, found, until); err != nil {
		giveBack(o.runner, found)
		return err
	}
	total, _ := o.registry.count()
	o.log.Info("recovered", "jobs", total, "gap", time.Duration(found.GapMs)*time.Millisecond,
		"open", found.Resumed, "elsewhere", len(found.Elsewhere), "late", len(found.Late), "clean", found.Clean)
	o.resend(found)
	return nil
}

// abandon gives claimed shards up: they have no beat any more.
func (o *owner) abandon(claimed []store.Shard) {
	o.registry.mu.Lock()
	defer o.registry.mu.Unlock()
	o.shards.Abandon(claimed)
}

// claim takes the shards and refuses a watermark far in the future: a clock that
// was wrong once would otherwise keep every job silent until it is reached.
// reset says that watermarks were set back to now.
func (o *owner) claim(ctx context.Context, claims []store.Claim) (claimed []store.Shard, reset bool, err error) {
	claimed, err = o.store.Shards().Claim(ctx, o.shards.Node, claims)
	if err != nil {
		return nil, false, fmt.Errorf("recovery: %w", err)
	}
	now, ahead := o.now(), int64(0)
	for i := range claimed {
		ahead = max(ahead, claimed[i].Watermark-now)
	}
	if o.reset && ahead > 0 {
		if err := o.store.Shards().ResetWatermark(ctx, now-1); err != nil {
			return nil, false, fmt.Errorf("recovery: %w", err)
		}
		for i := range claimed {
			claimed[i].Watermark, claimed[i].Horizon = now-1, now-1
		}
		return claimed, true, nil
	} else if ahead > futureW.Milliseconds() {
		return nil, false, fmt.Errorf("the record reaches %s into the future: the clock was wrong then or is "+
			"wrong now. Set the clock right, or start with --reset-watermark to give up the fires in between",
			(time.Duration(ahead) * time.Millisecond).Round(time.Minute))
	}
	return claimed, false, nil
}

// takeOver makes the shards active and puts their jobs into the timetable. Their
// watermarks are held until it knows all of them; fires that have come due since the
// recovery began are released at once.
func (o *owner) takeOver(ctx context.Context, claimed []store.Shard, found *recovery.Result,
	until map[int]int64) error {
	o.registry.mu.Lock()
	if !o.registry.placed {
		o.registry.placed = true
		begin := until[claimed[0].Number]
		for _, at := range until {
			begin = min(begin, at)
		}
		o.registry.table.Begin(begin)
	}
	tokens := make([]hold.Token, len(claimed))
	for i, c := range claimed {
		tokens[i] = o.shards.Holds.Take(uint8(c.Number), until[c.Number]+1) //nolint:gosec // at most hold.MaxShards
	}
	for _, s := range found.Late {
		s.Hold = o.shards.Holds.Take(s.Job.Shard, s.Next)
	}
	o.noteDeleted(claimed, found)
	o.shards.Activate(claimed, until)
	o.registry.mu.Unlock()
	fences := make([]store.Fence, len(claimed))
	for i, c := range claimed {
		fences[i] = store.Fence{Number: c.Number, Lease: c.Lease}
	}
	now := o.now()
	err := o.keeper.beatOnce(ctx)
	for i := 0; err == nil && i < len(fences); i++ {
		n := uint8(fences[i].Number) //nolint:gosec // at most hold.MaxShards
		if !o.shards.Own(n, fences) {
			err = fmt.Errorf("%w: shard %d", ErrLeaseLost, n)
		}
	}
	if err == nil && o.shared {
		err = o.reach(ctx, claimed, until, now)
	}
	if err == nil {
		err = o.holdEdited(ctx, claimed, found)
	}
	if err == nil {
		o.runner.away.add(found.Elsewhere)
		o.placeEnding(found.Ending, until, fences)
		o.place(found, fences)
		o.loadSince(ctx, claimed)
	} else {
		// Before the holds are released: another beat would move W past the whole gap.
		o.registry.mu.Lock()
		leaving := o.shards.Lose(fences)
		o.registry.mu.Unlock()
		o.drop(leaving) // jobs may have been made since the shards are active
		for _, s := range found.Late {
			s.Hold.Release()
		}
		err = fmt.Errorf("recovery: %w", err)
	}
	for i := range tokens {
		tokens[i].Release()
	}
	return err
}

// reach refuses a takeover whose gap reaches beyond the horizon of a shard. It reads the rows: this node does
// not use a horizon yet if edits are to be loaded, or if the beat has passed over a busy row.
func (o *owner) reach(ctx context.Context, claimed []store.Shard, until map[int]int64, now int64) error {
	rows, err := o.store.Shards().Peek(ctx)
	if err != nil {
		return err
	}
	for i := range claimed {
		n := claimed[i].Number
		if h := rows[n].Horizon; outOfReach(h, min(now, until[n])) {
			return fmt.Errorf("the clock of the database is behind that of this node: shard %d has a horizon %s ago", n,
				time.Duration(now-h)*time.Millisecond)
		}
	}
	return nil
}

// outOfReach reports whether the gap of a shard reaches beyond its horizon, so that nothing may be decided
// about the last fires in it: an edit without the owner begins right after the horizon and the clock of the
// store, if that was set back.
func outOfReach(horizon, until int64) bool { return horizon < until }

// holdEdited keeps back the fires that edits have ended which were made without an owner since the recovery
// read the jobs. They are loaded once the jobs are in the timetable, which releases at once what has come
// due since. An edit that is made after the beat begins beyond H.
func (o *owner) holdEdited(ctx context.Context, claimed []store.Shard, found *recovery.Result) error {
	for i := range claimed {
		c := &claimed[i]
		if o.shards.At(uint8(c.Number)).Horizon() != 0 { //nolint:gosec // at most hold.MaxShards
			continue
		}
		err := o.store.Edits().Changed(ctx, c.Number, c.Revision, func(v domain.Version) error {
			j := found.Jobs.Get(v.JobID)
			if j == nil || v.Number < int(j.Current.Number) {
				return nil
			}
			from := v.EffectiveFrom
			if v.Number == int(j.Current.Number) {
				from = v.EffectiveTo
			}
			j.Mu.Lock()
			defer j.Mu.Unlock()
			if a := j.OpenBacklog(); from < a.EditFrom {
				a.EditFrom = from
			}
			j.FreeBacklog()
			return nil
		})
		if err != nil {
			return fmt.Errorf("edits of shard %d cannot be read: %w", c.Number, err)
		}
	}
	return nil
}

// loadSince loads edits that were made without the owner since a takeover began: until then nothing of
// their shards is sent. If that fails, the next beat does it.
func (o *owner) loadSince(ctx context.Context, claimed []store.Shard) {
	for i := range claimed {
		if o.shards.At(uint8(claimed[i].Number)).Horizon() != 0 { //nolint:gosec // at most hold.MaxShards
			continue
		}
		if err := o.keeper.beatOnce(ctx); err != nil {
			o.log.Warn("edits that were made during a takeover could not be read yet", "error", err)
		}
		return
	}
}

// noteDeleted notes which deleted jobs a recovery knows: an edit that was made meanwhile is read once
// more. Call with the lock of the registry held.
func (o *owner) noteDeleted(claimed []store.Shard, found *recovery.Result) {
	if o.deleted == nil {
		o.deleted = make(map[uint8]map[domain.JobID]int64)
	}
	for _, c := range claimed {
		delete(o.deleted, uint8(c.Number)) //nolint:gosec // at most hold.MaxShards
	}
	for _, j := range found.Deleted {
		if o.deleted[j.Shard] == nil {
			o.deleted[j.Shard] = make(map[domain.JobID]int64)
		}
		o.deleted[j.Shard][j.ID] = j.Current.To.Load()
	}
}

// place puts recovered jobs into the timetable, a part at a time: fires that are due
// wait for its lock. A shard may be lost meanwhile.
func (o *owner) place(found *recovery.Result, fences []store.Fence) {
	reg := o.registry
	reg.mu.Lock()
	for _, a := range found.Unusable {
		reg.unusable[a.JobID] = a
		reg.unusableOrder = append(reg.unusableOrder, a.JobID)
	}
	first := reg.jobs.Len() == 0
	if first {
		reg.jobs = found.Jobs
	}
	reg.active += found.Active
	reg.mu.Unlock()
	for part := range found.Jobs.Parts(installPart) {
		reg.mu.Lock()
		for _, j := range part {
			switch {
			case j.Lost():
			case !o.shards.Own(j.Shard, fences):
				j.Lose()
				reg.jobs.Remove(j.ID)
				reg.countActive(j.Current, nil)
			default:
				if !first {
					reg.jobs.Put(j)
				}
				reg.table.Place(j)
			}
		}
		reg.mu.Unlock()
	}
	for _, c := range fences {
		o.shards.At(uint8(c.Number)).SetPlaced(c.Lease) //nolint:gosec // at most hold.MaxShards
	}
}

// placeEnding makes ready the fires of versions after the gap, up to their ends.
func (o *owner) placeEnding(ending []recovery.Ending, until map[int]int64, fences []store.Fence) {
	reg := o.registry
	var late []*run.Span
	for part := range slices.Chunk(ending, installPart) {
		reg.mu.Lock()
		for _, e := range part {
			j := e.Job
			if j.Lost() || !o.shards.Own(j.Shard, fences) {
				continue
			}
			current, next := j.Current, j.Next
			j.Current, j.Next = e.Ver, e.Ver.NextAfter(j, until[int(j.Shard)])
			late = append(late, reg.table.FinishVersion(j, e.Ver.To.Load(), reg.now())...)
			j.Current, j.Next = current, next
		}
		reg.mu.Unlock()
	}
	o.runner.addLate(late)
}
