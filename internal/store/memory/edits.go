package memory

import (
	"context"
	"reflect"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// like returns a version that is stored already with the same content, except for the
// instants.
func (j *job) like(v *domain.Version) *domain.Version {
	if j == nil {
		return nil
	}
	for i := range j.versions {
		x := j.versions[i]
		x.EffectiveFrom, x.EffectiveTo = v.EffectiveFrom, v.EffectiveTo
		if x.Number == v.Number && reflect.DeepEqual(x, *v) {
			return &j.versions[i]
		}
	}
	return nil
}

// Create implements store.Edits.
func (e edits) Create(ctx context.Context, versions []domain.Version, ahead int64) (made []store.Effect, err error) {
	err = e.do(ctx, func(d *Disk) error {
		versions, raised := append([]domain.Version(nil), versions...), make(map[int]bool)
		for i := range versions {
			v := &versions[i]
			if stored := d.jobs[v.JobID].like(v); stored != nil {
				v.EffectiveFrom = stored.EffectiveFrom
				continue
			}
			sh := d.owners.shardOf(v.JobID)
			raised[sh.Number] = true
			v.EffectiveFrom = store.EffectiveWithout(sh, domain.Forever, v.EffectiveFrom, 0, ahead)
		}
		if err := d.create(ctx, versions); err != nil {
			return err
		}
		for number := range raised {
			d.owners.shards[number].Revision++
		}
		for i := range versions {
			v := &versions[i]
			if sh := d.owners.shardOf(v.JobID); raised[sh.Number] {
				d.owners.changed[v.JobID] = sh.Revision
			}
			made = append(made, d.owners.effect(v.JobID, v.EffectiveFrom))
		}
		return nil
	})
	return made, err
}

// Update implements store.Edits.
func (e edits) Update(ctx context.Context, next domain.Version, ahead int64) (made store.Effect, err error) {
	err = e.do(ctx, func(d *Disk) error {
		if stored := d.jobs[next.JobID].like(&next); stored != nil {
			made = d.owners.effect(next.JobID, stored.EffectiveFrom)
			return nil
		}
		sh := d.owners.shardOf(next.JobID)
		if is := d.jobs[next.JobID]; is != nil {
			now := is.current()
			next.EffectiveFrom = store.EffectiveWithout(sh, now.ActiveFrom(), next.EffectiveFrom,
				now.EffectiveFrom, ahead)
		}
		if err := d.update(ctx, next); err != nil {
			return err
		}
		made = d.owners.revise(next.JobID, next.EffectiveFrom)
		return nil
	})
	return made, err
}

// Delete implements store.Edits.
func (e edits) Delete(ctx context.Context, id domain.JobID, number int, ahead int64) (made store.Effect, err error) {
	err = e.do(ctx, func(d *Disk) error {
		is, at := d.jobs[id], int64(0)
		switch {
		case is != nil && is.deleted && is.current().Number == number:
			made = d.owners.effect(id, is.deletedAt)
			return nil
		case is != nil && !is.deleted:
			now := is.current()
			at = store.EffectiveWithout(d.owners.shardOf(id), now.ActiveFrom(), 0, now.EffectiveFrom, ahead)
		}
		if err := d.remove(ctx, id, number, at); err != nil {
			return err
		}
		made = d.owners.revise(id, at)
		return nil
	})
	return made, err
}

// Unclaimed implements store.Edits.
func (e edits) Unclaimed(ctx context.Context, of store.ShardSet, fn func(domain.OpenRun) error) error {
	return ledger(e).OpenRuns(ctx, of, func(r domain.OpenRun) error {
		if r.Runner != 0 {
			return nil
		}
		return fn(r)
	})
}

// Changed implements store.Edits.
func (e edits) Changed(ctx context.Context, number int, revision int64, fn func(domain.Version) error) error {
	return stream(ctx, e.Store, func(d *Disk) (found []domain.Version) {
		for _, id := range d.ids() {
			if id.Shard(len(d.owners.shards)) != number || d.owners.changed[id] <= revision {
				continue
			}
			for _, v := range d.jobs[id].versions {
				found = append(found, copyVersion(v))
			}
		}
		return found
	}, fn)
}
