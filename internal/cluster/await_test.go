package cluster

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// owner is a process that owns the shards of a store.
type owner struct {
	t     *testing.T
	store store.Store
	beats []store.Beat
}

func newOwner(t *testing.T) *owner {
	t.Helper()
	db, err := memory.NewDisk(clock.System{}).Open()
	if err != nil {
		t.Fatal(err)
	}
	o := &owner{t: t, store: db}
	rows, err := db.Shards().Peek(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	claimed, err := db.Shards().Claim(t.Context(), 1, store.ClaimsOf(rows))
	if err != nil || len(claimed) == 0 {
		t.Fatal(claimed, err)
	}
	for _, sh := range claimed {
		o.beats = append(o.beats, store.Beat{Number: sh.Number, Lease: sh.Lease, Last: sh.Progress()})
	}
	return o
}

func (o *owner) beat(ctx context.Context) {
	for i := range o.beats {
		o.beats[i].Clock = time.Now().UnixMilli()
	}
	if _, err := o.store.Shards().Beat(ctx, o.beats, 3_000); err != nil && ctx.Err() == nil {
		o.t.Error(err)
	}
}

// await waits for the shards and returns how long that took, and how often it told of it.
func (o *owner) await(ctx context.Context) (took time.Duration, told int, err error) {
	start := time.Now()
	rows, err := Await(ctx, o.store.Shards(), clock.System{}, func(owned int) {
		if told++; owned != len(o.beats) {
			o.t.Errorf("%d shards have an owner, want %d", owned, len(o.beats))
		}
	})
	if err == nil {
		claimed, failed := o.store.Shards().Claim(ctx, 2, store.ClaimsOf(rows))
		if failed != nil || len(claimed) != len(o.beats) {
			o.t.Errorf("claimed %v, %v", claimed, failed)
		}
	}
	return time.Since(start), told, err
}

// TestAwait: shards that were released are taken at once, those of an owner that is there
// never, and those of one that is gone when that is sure.
func TestAwait(t *testing.T) {
	t.Run("released", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOwner(t)
			if err := o.store.Shards().Release(t.Context(), o.beats, 3_000); err != nil {
				t.Fatal(err)
			}
			if took, told, err := o.await(t.Context()); took != 0 || told != 0 || err != nil {
				t.Errorf("%s, told %d times, %v", took, told, err)
			}
		})
	})
	t.Run("there", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOwner(t)
			ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
			defer cancel()
			go func() {
				for clock.Wait(ctx, time.Second) {
					o.beat(ctx)
				}
			}()
			if _, told, err := o.await(ctx); told != 1 || !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("told %d times, %v", told, err)
			}
		})
	})
	t.Run("gone", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			o := newOwner(t)
			o.beat(t.Context())
			took, told, err := o.await(t.Context())
			if took < GoneAfter || took > GoneAfter+2*time.Second || told != 1 || err != nil {
				t.Errorf("%s, told %d times, %v", took, told, err)
			}
		})
	})
}
