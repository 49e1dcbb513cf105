package engine

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/engine/shard"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// load takes over the edits of a shard that were made without this owner. Each begins after
// anything that was sent: see store.EffectiveWithout.
func (o *owner) load(ctx context.Context, behind *shard.Behind) error {
	var versions []domain.Version
	follow := func() error {
		if len(versions) == 0 {
			return nil
		}
		err := o.followRemote(ctx, versions)
		versions = versions[:0]
		return err
	}
	err := o.store.Edits().Changed(ctx, behind.Row.Number, behind.Since, func(v domain.Version) error {
		if int(o.shards.Number(v.JobID)) != behind.Row.Number {
			return nil
		}
		if len(versions) > 0 && versions[0].JobID != v.JobID {
			if err := follow(); err != nil {
				return err
			}
		}
		versions = append(versions, v)
		return nil
	})
	if err == nil {
		err = follow()
	}
	return err
}

// followRemote makes a job follow its versions, as far as it does not yet.
func (o *owner) followRemote(ctx context.Context, versions []domain.Version) error {
	last := &versions[len(versions)-1]
	o.registry.mu.Lock()
	j := o.registry.jobs.Get(last.JobID)
	known := int32(0)
	if j != nil {
		known = j.Current.Number
	}
	deletedAt := o.deleted[o.shards.Number(last.JobID)][last.JobID]
	o.registry.mu.Unlock()
	if j == nil && deletedAt == last.EffectiveTo {
		return nil // the recovery has decided about its fires
	}
	watermark := o.shards.At(o.shards.Number(last.JobID)).Watermark()
	for i := range versions {
		v := &versions[i]
		if v.Number <= int(known) || v.EffectiveTo <= watermark {
			continue // it is known, or on record
		}
		ver, err := o.compile(ctx, v)
		if err != nil {
			return err
		}
		if j == nil {
			j = run.NewJob(v.JobID, v.CreatedAt, o.shards.Number(v.JobID))
			j.Follow(v, ver)
			o.editor.install([]*run.Job{j}, nil)
		} else {
			o.editor.applyEdit(j, ver, v.EffectiveFrom, run.StoppedByPause)
		}
	}
	if j != nil && last.EffectiveTo != domain.Forever {
		o.editor.applyEdit(j, nil, last.EffectiveTo, run.StoppedByDelete)
	}
	if j != nil {
		o.endMended(ctx, j, last)
	}
	return nil
}

// endMended follows a change that has ended a version which could not be run. What it cannot record
// the next start does.
func (o *owner) endMended(ctx context.Context, j *run.Job, last *domain.Version) {
	o.registry.mu.Lock()
	a, broken := o.registry.unusable[j.ID]
	o.registry.mu.Unlock()
	if !broken || a.Version == last.Number && last.EffectiveTo == domain.Forever {
		return
	}
	rest := o.editor.endUnusable(j)
	if rest == nil {
		return
	}
	if err := rest(ctx); err != nil {
		o.log.Warn("the end of a version that could not be run is not on record yet", "job", j.ID.String(),
			"error", err)
	}
}

// compile makes a version of one that another process has stored. One that this program cannot
// run is set aside, as in a recovery.
func (o *owner) compile(ctx context.Context, v *domain.Version) (*run.Version, error) {
	ver, err := run.NewVersion(v)
	if err == nil {
		return ver, o.zones.KeepOf(ctx, ver)
	}
	a := store.Aside{JobID: v.JobID, Version: v.Number, Since: v.EffectiveFrom - 1, Certain: v.EffectiveFrom - 1}
	if v.EffectiveTo == domain.Forever {
		if err := o.store.Ledger().SetAside(ctx, []store.Aside{a}); err != nil {
			return nil, err
		}
		o.registry.setAside(a, err)
	}
	return run.Placeholder(v), nil
}
