package memory

import (
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Find implements store.Idempotency.
func (o once) Find(ctx context.Context, key domain.IdempotencyKey, caller string, after int64) (
	found *domain.IdempotencyRecord, use domain.IdempotencyUse, err error) {
	err = o.do(ctx, func(d *Disk) error {
		for _, r := range d.once {
			use.All += r.Bytes()
			if r.Caller == caller {
				use.Caller += r.Bytes()
			}
		}
		r, known := d.once[key]
		if !known || r.At <= after {
			return nil
		}
		r.Refusal = slices.Clone(r.Refusal)
		if j := d.jobs[r.JobID]; j != nil && r.Execution == (domain.ExecutionID{}) && j.versions[0].Number == 1 {
			v := copyVersion(j.versions[0])
			r.Version = &v
		}
		if k, known := d.keys[r.KeyID]; known {
			r.APIKey = &k
		}
		found = &r
		return nil
	})
	return found, use, err
}

// Put implements store.Idempotency.
func (o once) Put(ctx context.Context, record domain.IdempotencyRecord) error {
	return o.do(ctx, func(d *Disk) error { return d.keepRecord(&record) })
}

// Made implements store.Idempotency.
func (o once) Made(ctx context.Context, ids []domain.JobID) (made []bool, err error) {
	made = make([]bool, len(ids))
	return made, o.do(ctx, func(d *Disk) error {
		for i, id := range ids {
			made[i] = d.jobs[id] != nil
		}
		return nil
	})
}

// Expire implements store.Idempotency.
func (o once) Expire(ctx context.Context, before int64) (gone int, err error) {
	err = o.do(ctx, func(d *Disk) error {
		for key, r := range d.once {
			if r.At <= before {
				delete(d.once, key)
				gone++
			}
		}
		return nil
	})
	return gone, err
}
