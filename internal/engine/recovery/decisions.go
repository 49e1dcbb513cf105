package recovery

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Decisions are what the owner of shards has decided about runs that were lost and has yet to
// record, under the leases of the shards.
type Decisions struct {
	Ledger store.Ledger
	Node   int64 // this process
	Count  func(*domain.Execution)
	Fences []store.Fence

	facts []store.Decision
	open  []domain.OpenRun
}

// Add notes what becomes of a fire, whose open run is taken over from the runner.
func (d *Decisions) Add(fact domain.Execution, runner int64) {
	d.facts = append(d.facts, store.Decision{Execution: fact, TakenFrom: runner})
}

// Take notes that a run of an open run is carried on, from the instant now.
func (d *Decisions) Take(r *run.Run, open *domain.OpenRun, now int64) {
	taken := r.OpenRun(r.RetryAt, false, now)
	taken.CreatedAt, taken.Runner, taken.TakenFrom = open.CreatedAt, d.Node, open.Runner
	d.open = append(d.open, taken)
}

// Flush makes the decisions durable before anything is sent on them.
func (d *Decisions) Flush(ctx context.Context) error {
	for len(d.facts) > 0 || len(d.open) > 0 {
		nf, no := min(len(d.facts), record.BatchRows), min(len(d.open), record.BatchRows)
		b := store.Batch{Decisions: d.facts[:nf], Open: d.open[:no], Fences: d.Fences, Runner: d.Node}
		if err := d.Ledger.Record(ctx, b); err != nil {
			return err
		}
		for i := range b.Decisions {
			d.Count(&b.Decisions[i].Execution)
		}
		d.facts, d.open = d.facts[nf:], d.open[no:]
	}
	return nil
}
