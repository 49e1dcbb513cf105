package faulty_test

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/store/storetest"
)

// Without rules it keeps the contract of the store beneath, every role of it.
func TestContract(t *testing.T) {
	storetest.Exercise(t, func(t *testing.T) func() store.Store {
		d := memory.NewDisk(clock.System{})
		return func() store.Store {
			s, err := d.Open()
			if err != nil {
				t.Fatal(err)
			}
			return faulty.New(s, 1)
		}
	})
}
