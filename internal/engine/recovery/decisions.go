package recovery

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// decisions are what a recovery has decided and has yet to record, under the leases of the
// shards.
type decisions struct {
	ledger store.Ledger
	node   int64 // this process
	count  func(*domain.Execution)
	fences []store.Fence
	facts  []store.Decision
	open   []domain.OpenRun
}

// add notes what becomes of a fire, whose open run is taken over from the runner.
func (d *decisions) add(fact domain.Execution, runner int64) {
	d.facts = append(d.facts, store.Decision{Execution: fact, TakenFrom: runner})
}

// take notes an open run that is carried on, taken over from the runner.
func (d *decisions) take(open domain.OpenRun, runner int64) {
	open.Runner, open.TakenFrom = d.node, runner
	d.open = append(d.open, open)
}

// flush makes the decisions durable before anything is sent on them.
func (d *decisions) flush(ctx context.Context) error {
	for len(d.facts) > 0 || len(d.open) > 0 {
		nf, no := min(len(d.facts), record.BatchRows), min(len(d.open), record.BatchRows)
		b := store.Batch{Decisions: d.facts[:nf], Open: d.open[:no], Fences: d.fences, Runner: d.node}
		if err := d.ledger.Record(ctx, b); err != nil {
			return err
		}
		for i := range b.Decisions {
			d.count(&b.Decisions[i].Execution)
		}
		d.facts, d.open = d.facts[nf:], d.open[no:]
	}
	return nil
}
