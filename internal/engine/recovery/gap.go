package recovery

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// DefaultPiece is how many facts a recovery holds at a time: some 60 MB. W is held
// by the oldest fire of a dead host, so the record after it can be a day long.
const DefaultPiece = 500_000

// gap is the time of which a recovery decides what became of a shard's fires.
//
//	     W                    old H          now
//	─────┼──────────────────────┼─────────────┼──────────► scheduled at
//	     │ fact or open run: ok │             │
//	     │ neither: uncertain   │ never sent  │ timetable
//
// Uncertain fires may have been sent: at least once sends them again, at most
// once records UNKNOWN. Those that were never sent run late, as far as the
// misfire policy allows. After a stop in good order nothing is uncertain.
type gap struct {
	number    int   // of the shard
	watermark int64 // W
	horizon   int64 // that the last owner left
	certain   int64 // fires after it were never sent
	lastFact  int64 // the latest instant that is on record, or has an open run
	until     int64 // the timetable takes over after it
	clean     bool  // the last owner stopped in good order
}

// newGap returns the gap of a shard that was claimed at the instant now.
func newGap(claimed *store.Shard, now int64) *gap {
	g := &gap{
		number: claimed.Number, watermark: claimed.Watermark, horizon: claimed.Horizon, certain: claimed.Horizon,
		clean: claimed.Clean, until: max(now, claimed.Watermark),
	}
	if !g.clean && now < claimed.Horizon-(shard.Horizon+time.Second).Milliseconds() {
		// The clock was set back: fires up to H had come due by the old one.
		g.until = max(g.until, claimed.Horizon)
	}
	if g.clean {
		g.certain = claimed.Watermark
	}
	return g
}

// bound is the latest instant that a fire of the gap can have. With a clock that
// was set back that is not now: what is on record has fired.
func (g *gap) bound() int64 { return max(g.until, g.certain, g.lastFact) }

// leastWatermark returns the instant after which the record is read.
func (rc *recovery) leastWatermark() int64 {
	return rc.least(func(g *gap) int64 { return g.watermark })
}

// least returns the least of the values of all gaps.
func (rc *recovery) least(of func(*gap) int64) int64 {
	least := domain.Forever
	for _, g := range rc.gaps {
		if g != nil {
			least = min(least, of(g))
		}
	}
	return least
}

// walk goes over the fires of one version in the gap, from W to now. It stops
// at the end of each piece of the record and goes on with the next:
//
//	  W            piece            piece            piece     now
//	──┼──●──●──○──●──┼──●──○──○──●────┼──●──●──●──●────┼──○──○──┼──►
//	     facts of one piece in memory      ○ not on record: uncertain, or a span
type walk struct {
	job     *run.Job
	ver     *run.Version
	next    int64     // the first fire that was not looked at; never: no more
	missing *run.Span // the latest fires were not on record and never sent
}

// addWalk notes a version that has fires in the gap.
func (rc *recovery) addWalk(j *run.Job, v *run.Version) {
	gap := rc.gaps[j.Shard]
	if at := v.NextAfter(j, gap.watermark); at <= gap.bound() {
		rc.walks = append(rc.walks, walk{job: j, ver: v, next: at})
	}
}

// readRanges learns which ranges of fires are on record as one, and how far the
// record goes beyond the horizon, as it should not.
func (rc *recovery) readRanges(ctx context.Context) error {
	ledger := rc.Store.Ledger()
	err := ledger.Ranges(ctx, rc.of, rc.leastWatermark(), func(f store.FactRange) error {
		rc.ranges[f.Key.JobID] = append(rc.ranges[f.Key.JobID], f)
		return nil
	})
	if err != nil {
		return err
	}
	return ledger.Facts(ctx, rc.of, rc.least((*gap).bound), domain.Forever, func(f store.FactRange) error {
		if g := rc.gapOf(f.Key.JobID); f.Key.Nonce == 0 {
			g.lastFact = max(g.lastFact, f.Key.ScheduledAt)
		}
		return nil
	})
}

// readFacts compares the gap with the record, one piece after the other, and gives
// every job its next fire. The timetable takes over after the last fact, so that a
// clock that was set back fires nothing twice.
func (rc *recovery) readFacts(ctx context.Context) error {
	read := rc.leastWatermark()
	err := rc.Store.Ledger().Facts(ctx, rc.of, read, domain.Forever, func(f store.FactRange) error {
		at, g := f.Key.ScheduledAt, rc.gapOf(f.Key.JobID)
		if f.Key.Nonce != 0 || at <= g.watermark {
			return nil
		}
		if len(rc.facts) >= rc.Piece && at > read {
			for i := range rc.walks {
				rc.judge(&rc.walks[i], read) // it has all facts up to here
			}
			clear(rc.facts)
		}
		read = at
		g.lastFact = max(g.lastFact, at)
		rc.facts[f.Key] = struct{}{}
		return nil
	})
	if err != nil {
		return err
	}
	for _, g := range rc.gaps {
		if g != nil && !rc.Reset {
			g.until = max(g.until, g.lastFact)
		}
	}
	for i := range rc.walks {
		w := &rc.walks[i]
		g := rc.gaps[w.job.Shard]
		// As far as the last owner came, fires may be on record: one by one.
		rc.judge(w, max(g.certain, g.lastFact))
		rc.finish(w, g.until)
	}
	rc.facts, rc.walks = nil, nil
	rc.zones.LogMoved(rc.result.Jobs.All())
	for j := range rc.result.Jobs.All() {
		j.Next = j.Current.NextAfter(j, rc.gaps[j.Shard].until)
	}
	return nil
}

// gapOf returns the gap of the shard that the job belongs to; nil: that is not
// recovered.
func (rc *recovery) gapOf(id domain.JobID) *gap { return rc.gaps[rc.Shards.Number(id)] }

func (rc *recovery) newJob(id domain.JobID, createdAt int64) *run.Job {
	return run.NewJob(id, createdAt, rc.Shards.Number(id))
}
