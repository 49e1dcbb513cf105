package edit

import (
	"context"
	"fmt"
	"runtime/debug"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// A chunk is what one commit of an import takes: a beat waits for it.
const (
	ChunkDocs  = 2_000
	chunkBytes = 2 << 20 // of two chunks, and of the rows that are made of one
)

// Import creates many jobs. While a chunk is committed the next one is collected:
//
//	collect  1 │ 2 │ 3 │ 4 │
//	commit     │ 1 │ 2 │ 3 │ 4
//
// It is one caller's. What it has committed stays when it is broken off.
type Import struct {
	editor *Editor
	told   func(places []int, made []Created)

	next  *chunk // is being collected
	under *chunk // is being committed; nil: none
	spare *chunk // was committed: its memory; nil: none
}

// chunk is what one commit takes.
type chunk struct {
	docs   []domain.SpecDoc
	places []int // of each in the import
	bytes  int   // about what they take
	made   []Created
	fault  error
	once   bool          // it has an Idempotency-Key: the import ends with a commit that fails
	done   chan struct{} // closed when made or fault is set
}

// ids returns those of the chunk's jobs. An import with an Idempotency-Key has the same again.
func (c *chunk) ids(ctx context.Context, now int64) []domain.JobID {
	r, comesAgain := store.IdempotencyOf(ctx)
	if !comesAgain {
		return domain.NewJobIDs(now, len(c.docs))
	}
	ids := make([]domain.JobID, len(c.docs))
	for i, place := range c.places {
		ids[i] = r.JobOf(place)
	}
	return ids
}

// NewImport begins an import. told gets what became of each chunk, by the places that
// its documents were added with, from within the calls of Add, Finish and Wait.
func (e *Editor) NewImport(told func(places []int, made []Created)) *Import {
	return &Import{editor: e, told: told, next: &chunk{}}
}

// Add takes a document, which is committed with others. The error is about the whole
// import: its context has ended, or a commit did not end well.
func (im *Import) Add(ctx context.Context, place int, doc *domain.SpecDoc) error {
	c := im.next
	c.docs, c.places = append(c.docs, *doc), append(c.places, place)
	c.bytes += sizeOf(doc)
	if len(c.docs) < ChunkDocs && c.bytes < chunkBytes {
		return nil
	}
	return im.commit(ctx)
}

// sizeOf returns about how many bytes a document takes.
func sizeOf(doc *domain.SpecDoc) int {
	v := domain.Version{Spec: doc.Spec}
	return v.Size()
}

// Finish commits what is left and waits for it.
func (im *Import) Finish(ctx context.Context) error {
	if err := im.commit(ctx); err != nil {
		return err
	}
	return im.Wait()
}

// commit begins to commit what was collected, once the chunk before is done.
func (im *Import) commit(ctx context.Context) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	c := im.next
	if len(c.docs) == 0 {
		return nil
	}
	if err := im.Wait(); err != nil {
		return err
	}
	failpoint.Hit("edit.import-chunk")
	_, c.once = store.IdempotencyOf(ctx)
	c.done = make(chan struct{})
	im.under, im.next, im.spare = c, im.spare, nil
	if im.next == nil {
		im.next = &chunk{}
	}
	go func() {
		defer close(c.done)
		defer func() {
			if p := recover(); p != nil { // nobody else would catch it here
				im.editor.metrics.Panics.Inc()
				c.fault = fmt.Errorf("panic in an import: %v\n%s", p, debug.Stack())
			}
		}()
		made := im.editor.newCreation(c.docs, c.ids(ctx, im.editor.now()))
		made.all(ctx)
		c.made = made.out
	}()
	return nil
}

// Wait waits for the chunk that is being committed and tells what became of it.
// Nothing of the import goes on afterwards.
func (im *Import) Wait() error {
	c := im.under
	if c == nil {
		return nil
	}
	<-c.done
	im.under = nil
	if c.fault != nil {
		return c.fault
	}
	im.told(c.places, c.made)
	fault := c.failed()
	clear(c.docs)
	im.spare = &chunk{docs: c.docs[:0], places: c.places[:0]}
	return fault
}

// failed returns the fault of the commit of a chunk that has an Idempotency-Key. What comes
// after it must not be stored: the record of the key says that all before is dealt with.
func (c *chunk) failed() error {
	if !c.once {
		return nil
	}
	for i := range c.made {
		if err := c.made[i].Err; err != nil && !definite(err) {
			return err
		}
	}
	return nil
}
