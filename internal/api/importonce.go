package api

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"hash"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// importOnce lets an import with an Idempotency-Key be carried out once, although it is many
// commits. Each commit has, beside its jobs, the number of items that were read by then and
// a digest of their texts. The ids of the jobs are derived from the key and the place of the
// item. So the same import, sent again, looks up what is there and goes on behind it:
//
//	first time   1 │ 2 │ 3 ✗
//	again        1 │ 2 │ 3 │ 4     1 and 2 are read and compared, their jobs looked up
//
// It ends at the first commit that fails, so that every item up to the number has become a
// job or was refused. Nothing is made before the digest is found to be the same. The nil
// pointer is an import without a key.
type importOnce struct {
	once   *edit.Once
	record domain.IdempotencyRecord // under which the rest is committed
	kept   *domain.ImportState      // of what was done before; nil: nothing was
	read   hash.Hash                // of the items so far
	items  int
}

// beginOnce begins an import that has a key; otherwise it returns nil.
func beginOnce(ctx context.Context, once *edit.Once, rq *request) (o *importOnce, end func(), err error) {
	asked, err := recordOf(ctx, rq.r, false)
	if err != nil || asked == nil {
		return nil, func() {}, err
	}
	fresh, kept, end, err := once.Begin(ctx, *asked)
	if err != nil {
		return nil, nil, keyProblem(err)
	}
	o = &importOnce{once: once, record: fresh, read: sha256.New()}
	if kept != nil {
		o.record.At, o.kept = kept.At, &kept.Import
	}
	return o, end, nil
}

// add takes the text of the next item.
func (o *importOnce) add(text []byte) {
	if o == nil {
		return
	}
	var length [8]byte
	binary.BigEndian.PutUint64(length[:], uint64(len(text)))
	_, _ = o.read.Write(length[:]) // a hash takes everything
	_, _ = o.read.Write(text)
	o.items++
}

// state says how far the import has come.
func (o *importOnce) state() domain.ImportState {
	return domain.ImportState{Items: o.items, Digest: domain.Fingerprint(o.read.Sum(nil)[:16])}
}

// repeats reports whether the item that was read last was dealt with before.
func (o *importOnce) repeats() bool { return o != nil && o.kept != nil && o.items <= o.kept.Items }

// checkSame refuses an import whose items are not those of before. It is called after each
// item, with false, and at the end.
func (o *importOnce) checkSame(ended bool) error {
	if o == nil || o.kept == nil {
		return nil
	}
	at, until := o.items, o.kept.Items
	switch {
	case at == until && o.state().Digest != o.kept.Digest && until > 0,
		at < until && ended, at > until && o.kept.Done:
		return keyProblem(edit.ErrOtherRequest)
	}
	return nil
}

// replayed reports whether all of it was done before.
func (o *importOnce) replayed() bool { return o != nil && o.kept != nil && o.kept.Done }

// under returns the context for the commit of the items so far.
func (o *importOnce) under(ctx context.Context) context.Context {
	if o == nil {
		return ctx
	}
	r := o.record
	r.Import = o.state()
	return store.WithIdempotency(ctx, r)
}

// finish keeps that the import is done. Where the store does not take it, the import that
// comes again finds its jobs all the same.
func (o *importOnce) finish(ctx context.Context) {
	if o == nil || o.replayed() {
		return
	}
	r := o.record
	r.Import = o.state()
	r.Import.Done = true
	_ = o.once.Put(ctx, r)
}

// refusal says why an item has no job.
func (o *importOnce) refusal(id domain.JobID, doc *domain.SpecDoc) *Problem {
	v := domain.Version{
		JobID: id, Number: 1, CreatedAt: o.record.At, EffectiveFrom: o.record.At + 1, EffectiveTo: domain.Forever,
		Active: doc.IsActive, Pause: doc.Pause, Spec: doc.Spec,
	}
	if err := v.Validate(); err != nil {
		return problemOf(err)
	}
	return kindInvalid.problem("It was refused when the import was made.")
}
