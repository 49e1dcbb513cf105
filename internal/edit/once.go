package edit

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// putTimeout bounds the wait for the record of a refusal, which is answered without it then.
const putTimeout = 5 * time.Second

// Why a request with an Idempotency-Key is neither carried out nor answered as before.
var (
	ErrUnderWay     = errors.New("a request with this Idempotency-Key is still under way")
	ErrOtherRequest = errors.New("this Idempotency-Key came with another request")
	ErrKeysFull     = errors.New("too many Idempotency-Keys are kept")
)

// Once lets a request with an Idempotency-Key be carried out once. What was carried out is
// in the store; what is under way is here, and ends with the process:
//
//	Begin ─ under way? ─ record? ─► carry out, the record is part of the commit ─► end
//	           │ yes       │ yes
//	           ▼           ▼
//	       ErrUnderWay   answered again
//
// A commit whose outcome is not known keeps its key under way until it is.
type Once struct {
	records store.Idempotency
	clock   clock.Clock

	mu   sync.Mutex
	busy map[domain.IdempotencyKey]*attempt // at most one for each connection, and those of unclear commits
}

// attempt is a request that is under way.
type attempt struct {
	fingerprint domain.Fingerprint
	holds       int // the request, and commits of it whose outcome is not known
}

func newOnce(records store.Idempotency, clk clock.Clock) *Once {
	return &Once{records: records, clock: clk, busy: make(map[domain.IdempotencyKey]*attempt)}
}

// Begin begins a request, of which Key, Caller and Fingerprint are given. It returns what is
// kept of the same request, or else the record under which it is to be carried out: see
// [store.WithIdempotency]. The caller ends it. The error is ErrUnderWay, ErrOtherRequest,
// ErrKeysFull, or of the store.
func (o *Once) Begin(ctx context.Context, r domain.IdempotencyRecord) (
	fresh domain.IdempotencyRecord, kept *domain.IdempotencyRecord, end func(), err error) {
	r.At = clock.NowMs(o.clock)
	if err := o.enter(&r); err != nil {
		return r, nil, nil, err
	}
	defer func() {
		if end == nil { // an error, or a panic
			o.leave(r.Key)
		}
	}()
	kept, use, err := o.records.Find(ctx, r.Key, r.Caller, r.At-domain.IdempotencyAge.Milliseconds())
	switch {
	case err != nil:
		err = store.Coded(err)
	case kept != nil && kept.Fingerprint != r.Fingerprint:
		err = ErrOtherRequest
	case kept == nil && use.Full():
		err = ErrKeysFull
	}
	if err != nil {
		return r, nil, nil, err
	}
	return r, kept, func() { o.leave(r.Key) }, nil
}

func (o *Once) enter(r *domain.IdempotencyRecord) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	switch is := o.busy[r.Key]; {
	case is == nil:
		o.busy[r.Key] = &attempt{r.Fingerprint, 1}
		return nil
	case is.fingerprint != r.Fingerprint:
		return ErrOtherRequest
	}
	return ErrUnderWay
}

func (o *Once) leave(key domain.IdempotencyKey) {
	o.mu.Lock()
	defer o.mu.Unlock()
	is := o.busy[key]
	if is.holds--; is.holds == 0 {
		delete(o.busy, key)
	}
}

// hold keeps the key of a context under way until release is called. Without one it does
// nothing.
func (o *Once) hold(ctx context.Context) (release func()) {
	r, ok := store.IdempotencyOf(ctx)
	if !ok {
		return func() {}
	}
	o.mu.Lock()
	defer o.mu.Unlock()
	is := o.busy[r.Key]
	if is == nil {
		return func() {}
	}
	is.holds++
	return func() { o.leave(r.Key) }
}

// Put keeps the record of a request that made nothing: it was refused for good.
func (o *Once) Put(ctx context.Context, r domain.IdempotencyRecord) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), putTimeout)
	defer cancel()
	return store.Coded(o.records.Put(ctx, r))
}

// Made reports which jobs were ever made.
func (o *Once) Made(ctx context.Context, ids []domain.JobID) ([]bool, error) {
	made, err := o.records.Made(ctx, ids)
	return made, store.Coded(err)
}

// errNotKept says that a record is not in the store yet.
var errNotKept = errors.New("not on record yet")

// isKept returns nil once the record of a context is in the store.
func (o *Once) isKept(ctx context.Context) error {
	r, _ := store.IdempotencyOf(ctx)
	found, _, err := o.records.Find(ctx, r.Key, r.Caller, r.At-1)
	if err == nil && found == nil {
		err = errNotKept
	}
	return err
}
