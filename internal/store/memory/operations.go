package memory

import (
	"bytes"
	"context"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// operation is one on many jobs, with those that are still to be dealt with.
type operation struct {
	domain.Operation
	pending map[domain.JobID]bool
}

func copyOperation(o domain.Operation) domain.Operation {
	o.Tags.Add, o.Tags.Remove = slices.Clone(o.Tags.Add), slices.Clone(o.Tags.Remove)
	o.Errors = slices.Clone(o.Errors)
	for _, p := range []**bool{&o.Filter.Active, &o.Filter.Failing} {
		if *p != nil {
			value := **p
			*p = &value
		}
	}
	return o
}

// Create implements store.Operations.
func (b bulk) Create(ctx context.Context, o domain.Operation, pending []domain.JobID) error {
	return b.do(ctx, func(d *Disk) error {
		if is := d.bulk[o.ID]; is != nil {
			if is.Same(&o) {
				return nil // a repeat
			}
			return domain.Conflict("operation %s exists already", o.ID)
		}
		if r, ok := store.OperationRecord(ctx, o.ID); ok {
			if err := d.keepRecord(&r); err != nil {
				return err
			}
		}
		made := &operation{copyOperation(o), make(map[domain.JobID]bool)}
		made.add(pending)
		d.bulk[o.ID] = made
		if e, ok := store.OperationEntry(ctx, &o); ok {
			d.raise(e)
		}
		return nil
	})
}

func (o *operation) add(pending []domain.JobID) {
	for _, id := range pending {
		o.pending[id] = true
	}
}

// find returns an operation, or CodeNotFound.
func (d *Disk) findOperation(id domain.OperationID) (*operation, error) {
	if is := d.bulk[id]; is != nil {
		return is, nil
	}
	return nil, store.NoOperation(id)
}

// Get implements store.Operations.
func (b bulk) Get(ctx context.Context, id domain.OperationID) (found domain.Operation, err error) {
	return found, b.do(ctx, func(d *Disk) error {
		is, err := d.findOperation(id)
		if err == nil {
			found = copyOperation(is.Operation)
		}
		return err
	})
}

// List implements store.Operations.
func (b bulk) List(ctx context.Context, q store.OperationQuery) (found []domain.Operation, err error) {
	err = b.do(ctx, func(d *Disk) error {
		for _, id := range slices.SortedFunc(maps.Keys(d.bulk), func(x, y domain.OperationID) int {
			return bytes.Compare(y[:], x[:])
		}) {
			is := d.bulk[id]
			if len(found) < q.Limit && (q.Before.IsZero() || bytes.Compare(id[:], q.Before[:]) < 0) &&
				(q.Namespace == "" || q.Namespace == is.Namespace) && (!q.Open || !is.State.Ended()) {
				found = append(found, copyOperation(is.Operation))
			}
		}
		return nil
	})
	return found, err
}

// Match implements store.Operations.
func (b bulk) Match(ctx context.Context, o domain.Operation, pending []domain.JobID) error {
	return b.save(ctx, &o, func(is *operation) { is.add(pending) })
}

// Mark implements store.Operations.
func (b bulk) Mark(ctx context.Context, o domain.Operation, done []domain.JobID) error {
	return b.save(ctx, &o, func(is *operation) {
		for _, id := range done {
			delete(is.pending, id)
		}
	})
}

func (b bulk) save(ctx context.Context, o *domain.Operation, jobs func(*operation)) error {
	return b.do(ctx, func(d *Disk) error {
		is, err := d.findOperation(o.ID)
		if err != nil {
			return err
		}
		next, differs, err := store.Progressed(&is.Operation, o)
		if err != nil || !differs {
			return err
		}
		is.Operation = copyOperation(next)
		jobs(is)
		return nil
	})
}

// Pending implements store.Operations.
func (b bulk) Pending(ctx context.Context, id domain.OperationID, limit int) (found []domain.JobID, err error) {
	err = b.do(ctx, func(d *Disk) error {
		if is := d.bulk[id]; is != nil {
			found = slices.SortedFunc(maps.Keys(is.pending), func(x, y domain.JobID) int {
				return bytes.Compare(x[:], y[:])
			})
		}
		return nil
	})
	return found[:min(len(found), limit)], err
}

// Cancel implements store.Operations.
func (b bulk) Cancel(ctx context.Context, id domain.OperationID, c domain.Cancellation) error {
	return b.do(ctx, func(d *Disk) error {
		is, err := d.findOperation(id)
		switch {
		case err != nil || is.Cancelled.At != 0:
			return err
		case is.State.Ended():
			return store.HasEnded(&is.Operation)
		}
		is.Cancelled = c
		if e, ok := store.CancelEntry(ctx, id); ok {
			d.enter(e)
		}
		return nil
	})
}

// Expire implements store.Operations.
func (b bulk) Expire(ctx context.Context, before int64) (gone int, err error) {
	err = b.do(ctx, func(d *Disk) error {
		for id, is := range d.bulk {
			if !is.State.Ended() {
				continue
			}
			clear(is.pending)
			if is.EndedAt <= before {
				delete(d.bulk, id)
				gone++
			}
		}
		return nil
	})
	return gone, err
}
