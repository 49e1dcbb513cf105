package edit

import (
	"context"
	"fmt"
	"maps"
	"runtime/debug"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// A chunk is what one commit of an import takes: a beat waits for it.
const (
	ChunkDocs  = 2_000
	chunkBytes = 2 << 20 // of two chunks, and of the rows that are made of one
)

// OnConflict is what becomes of an item of an import whose key a job has.
type OnConflict int

// What may become of it.
const (
	RefuseItem OnConflict = iota
	SkipItem
	ChangeJob // which has the key
)

// changers is how many items change jobs at a time: they share commits.
const changers = 16

// Item is one document of an import.
type Item struct {
	Place int            // in the import
	Doc   domain.SpecDoc // of a new job
	Fault error          // why there can be no new job of it; nil: there can be one

	// Change returns how the item alters the job that has its key. nil: the item has no key.
	Change func(now *domain.Version) (alter func(*domain.SpecDoc) error)
	Held   int // bytes that Change keeps
}

// ImportConfig says how an import goes.
type ImportConfig struct {
	OnConflict OnConflict
	// Told gets what became of each chunk, by the places of its items, from within the calls
	// of Add, Finish and Wait.
	Told func(places []int, made []Created)
	// Trail returns the context for the change of one job: see [store.WithChange].
	Trail func(context.Context) context.Context
}

// Import creates many jobs. While a chunk is committed the next one is collected:
//
//	collect  1 │ 2 │ 3 │ 4 │
//	commit     │ 1 │ 2 │ 3 │ 4
//
// A chunk whose items change jobs does that first. Its commit comes after that, with the record
// of an Idempotency-Key, which says that all items up to there are dealt with.
//
// It is one caller's. What it has committed stays when it is broken off.
type Import struct {
	ImportConfig

	editor *Editor

	next  *chunk // is being collected
	under *chunk // is being committed; nil: none
	spare *chunk // was committed: its memory; nil: none
}

// chunk is what one commit takes.
type chunk struct {
	docs   []domain.SpecDoc
	places []int           // of each in the import
	keyed  map[int]keyed   // by index: items with keys, unless such are refused
	keys   map[jobKey]bool // of these
	bytes  int             // about what they take
	made   []Created
	fault  error
	once   bool          // it has an Idempotency-Key: the import ends with a commit that fails
	done   chan struct{} // closed when made or fault is set
}

// keyed is what an item does if a job has its key: see [Item].
type keyed struct {
	fault  error
	change func(now *domain.Version) (alter func(*domain.SpecDoc) error)
}

// ids returns those of the chunk's jobs. An import with an Idempotency-Key has the same again.
func (c *chunk) ids(ctx context.Context, e *Editor) []domain.JobID {
	r, comesAgain := store.IdempotencyOf(ctx)
	if !comesAgain {
		return e.newIDs(e.now(), len(c.docs))
	}
	ids := make([]domain.JobID, len(c.docs))
	for i, place := range c.places {
		ids[i] = r.JobOf(place)
	}
	return ids
}

// jobKey is the key of a job, in its namespace.
type jobKey struct{ namespace, key string }

// NewImport begins an import.
func (e *Editor) NewImport(c ImportConfig) *Import {
	return &Import{ImportConfig: c, editor: e, next: &chunk{}}
}

// Add takes an item, which is committed with others. The error is about the whole
// import: its context has ended, or a commit did not end well.
func (im *Import) Add(ctx context.Context, it *Item) error {
	key := jobKey{it.Doc.Namespace, it.Doc.Key}
	if im.next.keys[key] { // the job that the other one makes is to be changed
		if err := im.commit(ctx); err != nil {
			return err
		}
	}
	c := im.next
	if it.Change != nil && im.OnConflict != RefuseItem {
		if c.keyed == nil {
			c.keyed, c.keys = make(map[int]keyed), make(map[jobKey]bool)
		}
		c.keyed[len(c.docs)], c.keys[key] = keyed{it.Fault, it.Change}, true
	}
	c.docs, c.places = append(c.docs, it.Doc), append(c.places, it.Place)
	c.bytes += sizeOf(&it.Doc) + it.Held
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
		c.made = im.carryOut(ctx, c)
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
	im.Told(c.places, c.made)
	fault := c.failed(c.made)
	clear(c.docs)
	im.spare = &chunk{docs: c.docs[:0], places: c.places[:0]}
	return fault
}

// failed returns the fault of the commit of a chunk that has an Idempotency-Key. What comes
// after it must not be stored: the record of the key says that all before is dealt with.
func (c *chunk) failed(made []Created) error {
	if !c.once {
		return nil
	}
	for i := range made {
		if err := made[i].Err; err != nil && !definite(err) {
			return err
		}
	}
	return nil
}

// carryOut does what a chunk says.
func (im *Import) carryOut(ctx context.Context, c *chunk) []Created {
	made := im.editor.newCreation(c.docs, c.ids(ctx, im.editor))
	if len(c.keyed) == 0 {
		made.all(ctx)
		return made.out
	}
	im.meet(ctx, c, made, slices.Sorted(maps.Keys(c.keyed)))
	if fault := c.failed(made.out); fault != nil { // its record would say that all is dealt with
		made.fail(fault)
		return made.out
	}
	if len(made.rest) == 0 {
		if r, comesAgain := store.IdempotencyOf(ctx); comesAgain {
			// If the store does not take it, the next commit says the same, or the import
			// comes again and finds that there is nothing to change.
			_ = im.editor.once.Put(ctx, r)
		}
		return made.out
	}
	for range keyedTries {
		taken := made.try(ctx)
		if len(taken) == 0 {
			return made.out
		}
		im.meet(ctx, c, made, slices.Sorted(maps.Keys(taken)))
	}
	made.fail(changesTooOften())
	return made.out
}

// meet deals with items whose keys jobs may have. The others are still to be made.
func (im *Import) meet(ctx context.Context, c *chunk, made *creation, indices []int) {
	var next atomic.Int64
	dealt := make([]bool, len(indices))
	var workers sync.WaitGroup
	for range min(changers, len(indices)) {
		workers.Go(func() {
			for at := next.Add(1) - 1; at < int64(len(indices)); at = next.Add(1) - 1 {
				i := indices[at]
				made.out[i], dealt[at] = im.meetOne(ctx, &c.docs[i].Spec, c.keyed[i])
			}
		})
	}
	workers.Wait()
	gone := make(map[int]bool, len(indices))
	for at, i := range indices {
		gone[i] = dealt[at]
	}
	made.rest = slices.DeleteFunc(made.rest, func(i int) bool { return gone[i] })
}

// meetOne deals with an item whose key a job has. It returns false where none has.
func (im *Import) meetOne(ctx context.Context, spec *domain.Spec, k keyed) (out Created, is bool) {
	defer func() {
		if p := recover(); p != nil { // nobody else would catch it here
			im.editor.metrics.Panics.Inc()
			out, is = Created{Err: fmt.Errorf("panic in an import: %v\n%s", p, debug.Stack())}, true
		}
	}()
	if err := ctx.Err(); err != nil {
		return Created{Err: err}, true
	}
	if im.OnConflict == SkipItem {
		out, is = im.find(ctx, spec)
		out.Outcome = Skipped
	} else {
		out, is = im.editor.changeKeyed(im.Trail(ctx), spec.Namespace, spec.Key,
			func(now *domain.Version) (int, func(*domain.SpecDoc) error, error) { return 0, k.change(now), nil })
	}
	if !is && k.fault != nil {
		return Created{Err: k.fault}, true
	}
	return out, is
}

// find looks for the job that has a key.
func (im *Import) find(ctx context.Context, spec *domain.Spec) (Created, bool) {
	now, err := im.editor.ofKey(ctx, spec.Namespace, spec.Key)
	if err != nil || now == nil {
		return Created{Err: err}, err != nil
	}
	return Created{Version: *now}, true
}

// Before says what became of an item of an import that comes again, if the item has made no
// job: nothing is done with it. It returns false where no job has its key.
func (im *Import) Before(ctx context.Context, it *Item) (Created, bool) {
	if it.Change == nil || im.OnConflict == RefuseItem {
		return Created{}, false
	}
	out, is := im.find(ctx, &it.Doc.Spec)
	out.Outcome = Skipped
	if is && out.Err == nil && im.OnConflict == ChangeJob {
		now := domain.SpecDoc{Spec: out.Version.Spec, IsActive: out.Version.Active, Pause: out.Version.Pause}
		out.Outcome, out.Err = Unchanged, it.Change(&out.Version)(&now)
	}
	return out, is
}
