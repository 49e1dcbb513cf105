package audit

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Limits of an audit.
const (
	// MaxWindow is the longest window that is audited at once.
	MaxWindow = 31 * 24 * time.Hour
	// MaxLost is how many lost fires a report names.
	MaxLost = 1_000
	// LateAfterMs is the drift in milliseconds past which a fire was late.
	LateAfterMs = 1_000

	pieceFacts = 500_000 // in memory at a time: some 30 MB
)

const dayMs = 24 * 60 * 60_000

// Window selects what is audited.
type Window struct {
	From, To   int64         // fires f with From <= f <= To, Unix milliseconds
	Job        domain.JobID  // zero: all jobs
	Retention  time.Duration // older days may have been dropped; zero: none was
	lost       int           // how many lost fires to name; zero: MaxLost
	background bool          // nobody waits: let others have the core
}

// Report is what an audit found. Manual triggers are left out of it.
type Report struct {
	From, To   int64 // what was judged, after clipping; To < From: nothing
	Expected   int64 // fires that the timeline names
	Succeeded  int64
	Failed     int64
	Skipped    int64
	Missed     int64
	Unknown    int64
	Pending    int64         // not ended; their state is durable. Also those of a version that cannot be run
	Late       int64         // of the sent ones: started later than LateAfterMs after their instant
	LostCount  int64         // fires without a record
	Lost       []domain.Loss // the first MaxLost of them, by job within a piece
	Unexpected int64         // records of scheduled fires that no version names
}

// outcome is what the record says of one fire.
type outcome struct {
	status domain.Status
	late   bool
	seen   bool // the timeline names it
}

// run is one audit under way.
type run struct {
	db     store.Store
	window Window
	piece  int // facts in memory at a time
	report Report

	rest   *throttle      // nil: none is taken
	of     store.ShardSet // whose record may be of the audit's jobs
	open   map[domain.FireKey]bool
	asides []store.Aside              // versions that cannot be run: few, or none
	facts  map[domain.FireKey]outcome // of the piece
	ranges map[domain.JobID][]store.FactRange
}

// Run audits a window, clipped to the watermark and to the history that is
// kept. Errors: CodeInvalid for a window that is too long or ends before it
// begins, otherwise those of the store and of the context.
func Run(ctx context.Context, db store.Store, clk clock.Clock, w Window) (Report, error) {
	return start(ctx, db, clk, w, pieceFacts)
}

func start(ctx context.Context, db store.Store, clk clock.Clock, w Window, piece int) (Report, error) {
	if w.To < w.From {
		return Report{}, domain.InvalidAs(domain.FieldContradiction, "to", "must not be before from", w.To)
	}
	if w.To-w.From > MaxWindow.Milliseconds() {
		return Report{}, domain.InvalidAs(domain.FieldRange, "from", fmt.Sprintf("must be at most %d days before to",
			MaxWindow/(24*time.Hour)), w.From)
	}
	if w.lost == 0 {
		w.lost = MaxLost
	}
	// The order is the proof: what is at or below W has a fact or an open run
	// already, and an open run that ends from now on has its fact before it is
	// gone.
	shards, err := db.Shards().Peek(ctx)
	if err != nil {
		return Report{}, err
	}
	w.To = min(w.To, store.LeastWatermark(shards))
	kept, err := db.History().Kept(ctx)
	if err != nil {
		return Report{}, err
	}
	w.From = max(w.From, kept)
	if w.Retention > 0 { // what an older release has dropped is not written down
		kept := clock.NowMs(clk) - w.Retention.Milliseconds()
		w.From = max(w.From, kept-kept%dayMs)
	}
	r := &run{db: db, window: w, piece: piece, report: Report{From: w.From, To: w.To}}
	if !w.Job.IsZero() {
		r.of = store.OnlyShards(w.Job.Shard(len(shards)))
	}
	if w.background {
		r.rest = &throttle{clock: clk, mark: clk.Mark()}
	}
	if err := r.readOpen(ctx); err != nil {
		return Report{}, err
	}
	if r.asides, err = db.Ledger().Asides(ctx); err != nil {
		return Report{}, err
	}
	for after := w.From - 1; after < w.To; {
		if after, err = r.judge(ctx, after); err != nil {
			return Report{}, err
		}
	}
	return r.report, nil
}

// judges reports whether a record is one of the audit's.
func (r *run) judges(k domain.FireKey) bool {
	return k.Nonce == 0 && (r.window.Job.IsZero() || r.window.Job == k.JobID)
}

func (r *run) readOpen(ctx context.Context) error {
	r.open = make(map[domain.FireKey]bool)
	return r.db.Ledger().OpenRuns(ctx, r.of, func(o domain.OpenRun) error {
		if r.judges(o.FireKey) && o.ScheduledAt >= r.window.From && o.ScheduledAt <= r.window.To {
			r.open[o.FireKey] = true
		}
		return nil
	})
}

// errFull ends the reading of a piece.
var errFull = errors.New("the piece is full")

// judge audits the next piece, from after an instant, and returns its last.
func (r *run) judge(ctx context.Context, after int64) (until int64, err error) {
	if until, err = r.readFacts(ctx, after); err != nil {
		return 0, err
	}
	if err = r.readRanges(ctx, after, until); err != nil {
		return 0, err
	}
	expect := func(v domain.Version) error { return r.expect(ctx, &v, after, until) }
	if r.window.Job.IsZero() {
		err = r.db.Jobs().Timeline(ctx, store.ShardSet{}, after, store.TimingOnly, expect)
	} else {
		err = r.expectJob(ctx, expect)
	}
	for _, o := range r.facts {
		if !o.seen {
			r.report.Unexpected++
		}
	}
	return until, err
}

func (r *run) expectJob(ctx context.Context, expect func(domain.Version) error) error {
	versions, err := r.db.Jobs().Versions(ctx, r.window.Job, store.TimingOnly)
	for i := 0; err == nil && i < len(versions); i++ {
		err = expect(versions[i])
	}
	return err
}

// readFacts reads facts until the piece is full. A piece ends between two
// instants.
func (r *run) readFacts(ctx context.Context, after int64) (until int64, err error) {
	r.facts = make(map[domain.FireKey]outcome)
	until = r.window.To
	last := after
	err = r.db.Ledger().Facts(ctx, r.of, after, r.window.To, func(f store.FactRange) error {
		at := f.Key.ScheduledAt
		if len(r.facts) >= r.piece && at > last {
			until = last
			return errFull
		}
		last = at
		if r.judges(f.Key) && f.From == at {
			r.facts[f.Key] = outcome{status: f.Status, late: f.StartedAt != 0 && f.StartedAt-at > LateAfterMs}
		}
		return ctx.Err()
	})
	if errors.Is(err, errFull) {
		err = nil
	}
	return until, err
}

// readRanges reads the summaries that cover fires of the piece.
func (r *run) readRanges(ctx context.Context, after, until int64) error {
	r.ranges = make(map[domain.JobID][]store.FactRange)
	return r.db.Ledger().Ranges(ctx, r.of, after, func(f store.FactRange) error {
		if r.judges(f.Key) && f.From < f.Key.ScheduledAt && f.From <= until {
			r.ranges[f.Key.JobID] = append(r.ranges[f.Key.JobID], f)
		}
		return nil
	})
}

// expect compares every fire of a version in (after, until] with the record.
func (r *run) expect(ctx context.Context, v *domain.Version, after, until int64) error {
	if err := r.rest.step(ctx); err != nil {
		return err
	}
	timing, unreadable := v.Timing()
	if unreadable != nil || len(v.Unread) > 0 {
		r.believe(v)
		return nil //nolint:nilerr // it is set aside: nobody can name its fires, and nobody sends them
	}
	for at, ok := timing.Next(after); ok && at <= until; at, ok = timing.Next(at) {
		if err := ctx.Err(); err != nil {
			return err
		}
		r.countFire(v, at)
	}
	return nil
}

// believe counts what is on record of a version whose fires cannot be named.
func (r *run) believe(v *domain.Version) {
	for key, o := range r.facts {
		if key.JobID == v.JobID && key.ScheduledAt >= v.EffectiveFrom && key.ScheduledAt < v.EffectiveTo && !o.seen {
			o.seen = true
			r.facts[key] = o
			r.report.Expected++
			r.report.count(o.status, o.late)
		}
	}
}

// countFire counts one expected fire.
func (r *run) countFire(v *domain.Version, at int64) {
	key := domain.FireKey{JobID: v.JobID, ScheduledAt: at}
	r.report.Expected++
	if o, ok := r.facts[key]; ok {
		o.seen = true
		r.facts[key] = o
		r.report.count(o.status, o.late)
		return
	}
	for _, f := range r.ranges[v.JobID] {
		if f.Version == v.Number && f.From <= at && at <= f.Key.ScheduledAt {
			r.report.count(f.Status, false)
			return
		}
	}
	if r.open[key] || r.setAside(v, at) {
		r.report.Pending++
		return
	}
	r.report.LostCount++
	if len(r.report.Lost) < r.window.lost {
		r.report.Lost = append(r.report.Lost, domain.Loss{JobID: v.JobID, ScheduledAt: at, Version: v.Number})
	}
}

// setAside reports whether a fire waits for its version to be mended: its
// record is made then.
func (r *run) setAside(v *domain.Version, at int64) bool {
	for _, a := range r.asides {
		if a.JobID == v.JobID && a.Version == v.Number && a.Since < at {
			return true
		}
	}
	return false
}

func (r *Report) count(status domain.Status, late bool) {
	switch status {
	case domain.StatusSuccess:
		r.Succeeded++
	case domain.StatusFailed:
		r.Failed++
	case domain.StatusSkipped:
		r.Skipped++
	case domain.StatusMissed:
		r.Missed++
	case domain.StatusUnknown:
		r.Unknown++
	case domain.StatusPending, domain.StatusRunning: // not final: no record has them
	}
	if late {
		r.Late++
	}
}
