package edit

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

var asked = domain.IdempotencyRecord{
	Key: domain.NewIdempotencyKey("env", "", "a"), Caller: "env", Fingerprint: domain.NewFingerprint([]byte("POST")),
}

// begin begins the request with the key, and returns the context to carry it out in.
func (w *world) begin() (ctx context.Context, kept *domain.IdempotencyRecord, end func(), err error) {
	fresh, kept, end, err := w.Once().Begin(w.t.Context(), asked)
	return store.WithIdempotency(w.t.Context(), fresh), kept, end, err
}

// Creations of unknown outcome that have a key are carried out, once, and the key is under
// way until that is known.
func TestUnclearCreationsWithAKey(t *testing.T) {
	for _, f := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
		bubble(t, func(t *testing.T, w *world) {
			w.fail(f, "Jobs.Create")
			w.fail(faulty.FailBefore, "Jobs.Get")
			ctx, _, end, err := w.begin()
			if err != nil {
				t.Fatal(err)
			}
			made := w.Create(ctx, []domain.SpecDoc{doc()})
			end()
			if domain.ErrorCode(made[0].Err) != domain.CodeUnavailable {
				t.Fatalf("%+v", made)
			}
			if _, _, _, err := w.begin(); !errors.Is(err, ErrUnderWay) {
				t.Errorf("before the outcome is known: %v", err)
			}
			w.store.Clear()
			pass(time.Second)
			_, kept, end, err := w.begin()
			if err != nil || kept == nil || kept.JobID != made[0].Version.JobID || kept.Version == nil {
				t.Fatalf("%+v, error %v", kept, err)
			}
			end()
			if total, _, err := w.store.Jobs().Count(t.Context()); err != nil || total != 1 {
				t.Errorf("%d jobs, error %v", total, err)
			}
			if _, ended := w.owner.told(); !slices.Equal(ended, []bool{true}) {
				t.Errorf("told %v", ended)
			}
			if len(w.once.busy) != 0 {
				t.Errorf("%d keys are still under way", len(w.once.busy))
			}
		})
	}
}

// A commit that is refused in the end leaves the key free.
func TestAnUnclearCreationThatIsRefused(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.fail(faulty.FailBefore, "Jobs.Create", "Jobs.Get")
		ctx, _, end, err := w.begin()
		if err != nil {
			t.Fatal(err)
		}
		w.Create(ctx, []domain.SpecDoc{doc()})
		end()
		w.store.Clear()
		w.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: faulty.FailBefore, Err: domain.Conflict("no")})
		pass(time.Second)
		_, kept, end, err := w.begin()
		if err != nil || kept != nil {
			t.Fatalf("%+v, error %v", kept, err)
		}
		end()
		if _, ended := w.owner.told(); !slices.Equal(ended, []bool{false}) {
			t.Errorf("told %v", ended)
		}
	})
}

// A trigger whose record was not waited for keeps its key under way until it is stored.
func TestATriggerThatIsNotOnRecordYet(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		w.owner.pending = domain.Unavailable(nil, "not on record yet")
		ctx, _, end, err := w.begin()
		if err != nil {
			t.Fatal(err)
		}
		x, err := w.Trigger(ctx, id, 0)
		end()
		if err == nil {
			t.Error("no error")
		}
		pass(time.Second)
		if _, _, _, err := w.begin(); !errors.Is(err, ErrUnderWay) {
			t.Errorf("before it is on record: %v", err)
		}
		r, _ := store.TriggerRecord(ctx, &x)
		if err := w.store.Ledger().Record(t.Context(),
			store.Batch{Idempotency: []domain.IdempotencyRecord{r}}); err != nil {
			t.Fatal(err)
		}
		pass(time.Second)
		_, kept, end, err := w.begin()
		if err != nil || kept == nil || kept.Execution != x.ID() {
			t.Fatalf("%+v, error %v", kept, err)
		}
		end()
	})
}

// Another request with the key is refused, while the first is under way and afterwards.
func TestAnotherRequestWithTheKey(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		other := asked
		other.Fingerprint[0]++
		ctx, _, end, err := w.begin()
		if err != nil {
			t.Fatal(err)
		}
		if _, _, _, err := w.Once().Begin(t.Context(), other); !errors.Is(err, ErrOtherRequest) {
			t.Errorf("under way: %v", err)
		}
		if made := w.Create(ctx, []domain.SpecDoc{doc()}); made[0].Err != nil {
			t.Fatal(made[0].Err)
		}
		end()
		if _, _, _, err := w.Once().Begin(t.Context(), other); !errors.Is(err, ErrOtherRequest) {
			t.Errorf("afterwards: %v", err)
		}
		w.fail(faulty.FailBefore, "Idempotency.Find")
		if _, _, _, err := w.begin(); domain.ErrorCode(err) != domain.CodeUnavailable {
			t.Errorf("a store that fails: %v", err)
		}
		w.store.Clear()
		if _, kept, end, err := w.begin(); err != nil || kept == nil {
			t.Errorf("%+v, error %v", kept, err)
		} else {
			end()
		}
	})
}

// Triggers that are not on record for long are bounded: each asks the store again and again.
func TestTooManyTriggersAreNotOnRecord(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		w.owner.pending = domain.Unavailable(nil, "not on record yet")
		trigger := func(n byte) (started bool) {
			r := asked
			r.Key[0] ^= n
			r, _, end, err := w.Once().Begin(t.Context(), r)
			if err != nil {
				t.Fatal(err)
			}
			defer end()
			x, _ := w.Trigger(store.WithIdempotency(t.Context(), r), id, 0)
			return !x.JobID.IsZero()
		}
		for n := range byte(maxUnclear) {
			if !trigger(n) {
				t.Fatalf("trigger %d was refused", n)
			}
		}
		if trigger(maxUnclear) {
			t.Error("there is no bound")
		}
		if x, _ := w.Trigger(t.Context(), id, 0); x.JobID.IsZero() {
			t.Error("one without a key was refused")
		}
		for n := range byte(maxUnclear) {
			r := asked
			r.Key[0] ^= n
			r.At = w.now()
			if err := w.store.Idempotency().Put(t.Context(), r); err != nil {
				t.Fatal(err)
			}
		}
		pass(time.Second)
		if !trigger(maxUnclear) {
			t.Error("refused although the others are on record")
		}
	})
}

// panics is a store whose look-ups panic.
type panics struct{ store.Idempotency }

func (panics) Find(context.Context, domain.IdempotencyKey, string, int64) (*domain.IdempotencyRecord,
	domain.IdempotencyUse, error) {
	panic("a fault of the store")
}

// A panic leaves the key free.
func TestAPanicLeavesTheKeyFree(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		real := w.once.records
		w.once.records = panics{real}
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			_, _, _, _ = w.begin()
		}()
		w.once.records = real
		_, _, end, err := w.begin()
		if err != nil {
			t.Fatal(err)
		}
		end()
	})
}
