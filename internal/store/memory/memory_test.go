package memory_test

import (
	"errors"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/store/storetest"
)

func open(t *testing.T, d *memory.Disk) *memory.Store {
	t.Helper()
	s, err := d.Open()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestContract(t *testing.T) {
	storetest.Exercise(t, func(t *testing.T) func() store.Store {
		d := memory.NewDisk(clock.System{})
		return func() store.Store { return open(t, d) }
	})
}

func TestContractOfManyShards(t *testing.T) {
	storetest.Exercise(t, func(t *testing.T) func() store.Store {
		d := memory.NewShardedDisk(clock.System{}, 4)
		return func() store.Store { return open(t, d) }
	})
}

func TestContractOfSeveralStores(t *testing.T) {
	storetest.ExerciseTogether(t, func(*testing.T) func() store.Store {
		d := memory.NewShardedDisk(clock.System{}, 8)
		return func() store.Store { return d.Join() }
	})
}

func TestOneStoreAtATime(t *testing.T) {
	d := memory.NewDisk(clock.System{})
	first := open(t, d)
	if _, err := d.Open(); !errors.Is(err, memory.ErrOpen) {
		t.Fatalf("a second store: error %v, want %v", err, memory.ErrOpen)
	}
	for range 2 {
		if err := first.Close(); err != nil {
			t.Fatal(err)
		}
	}
	second := open(t, d)
	if _, err := first.Shards().Claim(t.Context(), 1, []store.Claim{{}}); !errors.Is(err, memory.ErrClosed) {
		t.Errorf("a call after Close: error %v, want %v", err, memory.ErrClosed)
	}
	if err := first.Close(); err != nil { // must not close the second one
		t.Fatal(err)
	}
	if sh, err := second.Shards().Claim(t.Context(), 1, []store.Claim{{}}); err != nil || sh[0].Epoch != 1 {
		t.Errorf("%+v, %v: want epoch 1, the refused claim did nothing", sh, err)
	}
}

func TestNothingIsSharedWithTheCaller(t *testing.T) {
	s := open(t, memory.NewDisk(clock.System{}))
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Tags = "* * * * * *", "http://a.test/", []string{"kept"}
	v := domain.Version{JobID: domain.NewJobID(1), Number: 1, EffectiveFrom: 1, EffectiveTo: domain.Forever,
		CreatedAt: 1, Spec: spec}
	if err := s.Jobs().Create(t.Context(), []domain.Version{v}); err != nil {
		t.Fatal(err)
	}
	v.Spec.Tags[0] = "changed by the caller"
	for range 2 {
		got, err := s.Jobs().Get(t.Context(), v.JobID)
		if err != nil || got.Current.Spec.Tags[0] != "kept" {
			t.Fatalf("tags %v, %v", got.Current.Spec.Tags, err)
		}
		got.Current.Spec.Tags[0] = "changed by a reader"
	}
}
