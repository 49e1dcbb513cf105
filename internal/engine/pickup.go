package engine

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/record"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// pickup carries out what other processes have triggered: they have put an open run on record
// that nobody carries out. Each second it looks for those of the shards that this process owns.
type pickup struct {
	clock    clock.Clock
	store    store.Store
	log      *slog.Logger
	shards   *shard.Set
	registry *registry
	runner   *runner

	// taken are runs that were taken before the last look. They may be shown once more, until
	// it is on record that this process carries them out.
	taken map[domain.FireKey]bool
}

func newPickup(e *Engine) *pickup {
	return &pickup{clock: e.clock, store: e.store, log: e.log, shards: e.shards, registry: e.registry,
		runner: e.runner, taken: make(map[domain.FireKey]bool)}
}

// run looks once a second until the context ends.
func (p *pickup) run(ctx context.Context) {
	tick := time.NewTicker(beatEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		if err := p.runOnce(ctx); err != nil && ctx.Err() == nil {
			p.log.Error("triggers that other nodes have put on record could not be read; they wait", "error", err)
		}
	}
}

func (p *pickup) runOnce(ctx context.Context) error {
	numbers := p.shards.In(shard.Active)
	if len(numbers) == 0 {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, horizon)
	defer cancel()
	var found []domain.OpenRun
	shown := make(map[domain.FireKey]bool)
	err := p.store.Edits().Unclaimed(ctx, store.OnlyShards(numbers...), func(open domain.OpenRun) error {
		switch fresh := open.Nonce != 0 && len(open.Attempts) == 0 && open.Crashes == 0 && !open.InFlight; {
		case p.taken[open.FireKey]:
			shown[open.FireKey] = true
		case fresh && len(found) < record.BatchRows: // the others wait for the next look
			found = append(found, open)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read open runs that nobody carries out: %w", err)
	}
	p.taken = shown
	for i := range found {
		if err := p.take(ctx, &found[i]); err != nil {
			return err
		}
	}
	return nil
}

// take carries out an open run, unless what it belongs to is not known here yet, or its time has not
// come by this process's clock: then it is looked at again.
func (p *pickup) take(ctx context.Context, open *domain.OpenRun) error {
	if open.ScheduledAt > clock.NowMs(p.clock) || p.runner.recorder.Backlog() >= record.MaxUnrecorded {
		return nil
	}
	j, current, err := p.lookup(open)
	if err != nil {
		return p.end(ctx, run.EndBroken(open, clock.NowMs(p.clock), err))
	}
	if j != nil && int(current.Number) == open.Version {
		return p.enter(ctx, j, current, open)
	}
	if j != nil && int(current.Number) < open.Version { // it is still to be loaded
		return nil
	}
	versions, err := p.store.Jobs().Versions(ctx, open.JobID, store.WholeVersions)
	if err != nil {
		return fmt.Errorf("read the versions of a job that was triggered: %w", err)
	}
	if j == nil {
		return p.endDeleted(ctx, open, versions)
	}
	for i := range versions {
		if versions[i].Number != open.Version {
			continue
		}
		ver, err := run.NewVersion(&versions[i])
		if err != nil {
			return p.end(ctx, run.EndBroken(open, clock.NowMs(p.clock), err))
		}
		return p.enter(ctx, j, ver, open)
	}
	return nil
}

// lookup returns the job of an open run, or nil, and its current version. The error says why that cannot
// be run.
func (p *pickup) lookup(open *domain.OpenRun) (*run.Job, *run.Version, error) {
	p.registry.mu.Lock()
	defer p.registry.mu.Unlock()
	j := p.registry.jobs.Get(open.JobID)
	if j == nil {
		return nil, nil, nil
	}
	if a, broken := p.registry.unusable[open.JobID]; broken && a.Aside.Version == open.Version {
		return j, j.Current, a.Reason
	}
	return j, j.Current, nil
}

// enter makes an execution of an open run. It is sent once it is on record that this process carries
// it out.
func (p *pickup) enter(ctx context.Context, j *run.Job, ver *run.Version, open *domain.OpenRun) error {
	r := &run.Run{Job: j, Ver: ver, At: open.ScheduledAt, Nonce: open.Nonce, Marked: true}
	j.Mu.Lock()
	if j.Has(open.FireKey) {
		j.Mu.Unlock()
		return nil
	}
	j.Enter(r)
	mine := r.OpenRun(r.At, true, open.CreatedAt)
	j.Mu.Unlock()
	if ended, err := hasEnded(ctx, p.store, open.FireKey); err != nil || ended {
		withdraw(p.runner, r)
		return err
	}
	p.taken[open.FireKey] = true
	p.runner.recorder.AddNow(record.Entry{Open: &mine, Run: r, Done: func() { p.runner.dispatch([]*run.Run{r}) }})
	return nil
}

// endDeleted ends an open run whose job is not known here: it was deleted. A job that was made just now
// is still to be loaded.
func (p *pickup) endDeleted(ctx context.Context, open *domain.OpenRun, versions []domain.Version) error {
	if n := len(versions); n > 0 && versions[n-1].EffectiveTo == domain.Forever {
		return nil
	}
	return p.end(ctx, domain.Execution{FireKey: open.FireKey, Version: open.Version, Status: domain.StatusSkipped,
		CompletedAt: clock.NowMs(p.clock), Error: run.StoppedByDelete})
}

// end records what becomes of an open run that is not carried out.
func (p *pickup) end(ctx context.Context, fact domain.Execution) error {
	fence := p.shards.At(p.shards.Number(fact.JobID)).Fence()
	if fence == nil {
		return nil // the shard was lost
	}
	b := store.Batch{Decisions: []store.Decision{{Execution: fact}}, Fences: []store.Fence{*fence},
		Runner: p.shards.Node}
	if err := p.store.Ledger().Record(ctx, b); err != nil && store.StaleShards(err) == nil {
		return fmt.Errorf("record what became of a trigger: %w", err)
	} else if err == nil {
		p.runner.count(&fact)
	}
	return nil
}
