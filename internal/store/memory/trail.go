package memory

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func compareChanges(a, b domain.Change) int {
	return cmp.Or(cmp.Compare(a.At, b.At), cmp.Compare(a.Nonce, b.Nonce))
}

// enter puts an entry into the trail. One that is there counts on.
func (d *Disk) enter(e domain.Change) {
	i, there := slices.BinarySearchFunc(d.changes, e, compareChanges)
	if there {
		d.changes[i].Count += e.Count
		return
	}
	d.changes = slices.Insert(d.changes, i, e)
}

// raise is enter for an entry that has the sums.
func (d *Disk) raise(e domain.Change) {
	i, there := slices.BinarySearchFunc(d.changes, e, compareChanges)
	if !there {
		d.changes = slices.Insert(d.changes, i, e)
		return
	}
	is := &d.changes[i]
	is.Count, is.Times, is.LastAt = max(is.Count, e.Count), max(is.Times, e.Times), max(is.LastAt, e.LastAt)
}

// enterOf puts the entry that a context has into the trail, if it has one.
func enterOf(ctx context.Context, d *Disk) {
	if e, ok := store.ChangeOf(ctx); ok {
		d.enter(e)
	}
}

func (d *Disk) enterJob(ctx context.Context, action domain.Action, id domain.JobID, number int) {
	if e, ok := store.JobEntry(ctx, action, id, number); ok {
		d.enter(e)
	}
}

func (d *Disk) enterKey(ctx context.Context, action domain.Action, id string) {
	if e, ok := store.KeyEntry(ctx, action, id); ok {
		d.enter(e)
	}
}

// keepRecord writes a record, unless another one has its key.
func (d *Disk) keepRecord(r *domain.IdempotencyRecord) error {
	if old, known := d.once[r.Key]; known {
		if replaces, err := r.Replaces(&old); err != nil || !replaces {
			return err
		}
	}
	is := *r
	is.Refusal = slices.Clone(r.Refusal)
	is.Version, is.APIKey = nil, nil
	d.once[r.Key] = is
	return nil
}
