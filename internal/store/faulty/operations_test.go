package faulty_test

import (
	"context"
	"errors"
	"maps"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

func (r *recording) Operations() store.Operations { return recordingOperations{r: r} }

type recordingOperations struct{ r *recording }

func (p recordingOperations) Create(context.Context, domain.Operation, []domain.JobID) error {
	return p.r.note("Operations.Create")
}
func (p recordingOperations) Get(context.Context, domain.OperationID) (domain.Operation, error) {
	return domain.Operation{Named: 7}, p.r.note("Operations.Get")
}
func (p recordingOperations) List(context.Context, store.OperationQuery) ([]domain.Operation, error) {
	return make([]domain.Operation, 7), p.r.note("Operations.List")
}
func (p recordingOperations) Match(context.Context, domain.Operation, []domain.JobID) error {
	return p.r.note("Operations.Match")
}
func (p recordingOperations) Pending(context.Context, domain.OperationID, int) ([]domain.JobID, error) {
	return make([]domain.JobID, 7), p.r.note("Operations.Pending")
}
func (p recordingOperations) Mark(context.Context, domain.Operation, []domain.JobID) error {
	return p.r.note("Operations.Mark")
}
func (p recordingOperations) Cancel(context.Context, domain.OperationID, domain.Cancellation) error {
	return p.r.note("Operations.Cancel")
}
func (p recordingOperations) Expire(context.Context, int64) (int, error) {
	return 7, p.r.note("Operations.Expire")
}

// Every method of the role fails by its name, before the call and after it.
func TestOperationsFail(t *testing.T) {
	ctx := t.Context()
	calls := map[string]func(p store.Operations) (value int, err error){
		"Operations.Create": func(p store.Operations) (int, error) { return 0, p.Create(ctx, domain.Operation{}, nil) },
		"Operations.Get": func(p store.Operations) (int, error) {
			o, err := p.Get(ctx, domain.OperationID{})
			return o.Named, err
		},
		"Operations.List": func(p store.Operations) (int, error) {
			all, err := p.List(ctx, store.OperationQuery{})
			return len(all), err
		},
		"Operations.Match": func(p store.Operations) (int, error) { return 0, p.Match(ctx, domain.Operation{}, nil) },
		"Operations.Pending": func(p store.Operations) (int, error) {
			all, err := p.Pending(ctx, domain.OperationID{}, 1)
			return len(all), err
		},
		"Operations.Mark": func(p store.Operations) (int, error) { return 0, p.Mark(ctx, domain.Operation{}, nil) },
		"Operations.Cancel": func(p store.Operations) (int, error) {
			return 0, p.Cancel(ctx, domain.OperationID{}, domain.Cancellation{})
		},
		"Operations.Expire": func(p store.Operations) (int, error) { return p.Expire(ctx, 0) },
	}
	for _, name := range slices.Sorted(maps.Keys(calls)) {
		real := new(recording)
		s := faulty.New(real, 1)
		reads := name == "Operations.Get" || name == "Operations.List" || name == "Operations.Pending" ||
			name == "Operations.Expire"
		if value, err := calls[name](s.Operations()); err != nil || (value == 7) != reads {
			t.Errorf("%s without rules: %d, %v", name, value, err)
		}
		s.Add(faulty.Rule{Method: name, Fault: faulty.FailBefore, Times: 1})
		s.Add(faulty.Rule{Method: name, Fault: faulty.FailAfter, Times: 1})
		for _, reaches := range []int{1, 2} {
			value, err := calls[name](s.Operations())
			if !errors.Is(err, faulty.ErrInjected) || value != 0 || !slices.Equal(real.calls,
				slices.Repeat([]string{name}, reaches)) {
				t.Errorf("%s: value %d, error %v, calls %v", name, value, err, real.calls)
			}
		}
	}
}
