package edit

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

func keep(*domain.SpecDoc) error { return nil }

// What does not change a job does not reach its owner.
func TestChangesThatDoNotHappen(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		ctx := t.Context()
		stop := errors.New("stop")
		for name, c := range map[string]struct {
			change func() error
			code   domain.Code
		}{
			"nothing is altered": {func() error { _, err := w.Update(ctx, id, 1, keep); return err }, ""},
			"another version": {func() error { _, err := w.Update(ctx, id, 7, keep); return err },
				domain.CodeConflict},
			"delete of another":  {func() error { _, err := w.Delete(ctx, id, 7); return err }, domain.CodeConflict},
			"trigger of another": {func() error { _, err := w.Trigger(ctx, id, 7); return err }, domain.CodeConflict},
			"pause of another": {func() error { _, _, err := w.SetActive(ctx, id, 7, false, nil); return err },
				domain.CodeConflict},
			"no job": {func() error { _, err := w.Update(ctx, domain.JobID{1}, 0, keep); return err },
				domain.CodeNotFound},
			"delete of no job": {func() error { _, err := w.Delete(ctx, domain.JobID{1}, 0); return err },
				domain.CodeNotFound},
			"trigger of no job": {func() error { _, err := w.Trigger(ctx, domain.JobID{1}, 1); return err },
				domain.CodeNotFound},
			"it moves": {func() error {
				_, err := w.Update(ctx, id, 0, func(d *domain.SpecDoc) error { d.Namespace = "other"; return nil })
				return err
			}, domain.CodeInvalid},
		} {
			if err := c.change(); codeOf(err) != c.code {
				t.Errorf("%s: %v, want code %q", name, err, c.code)
			}
		}
		if _, err := w.Update(ctx, id, 1, func(*domain.SpecDoc) error { return stop }); !errors.Is(err, stop) {
			t.Errorf("an error of the change: %v", err)
		}
		w.owner.refuses = domain.Invalid("schedule", "never fires", nil)
		if err := w.rename(id, "x"); domain.ErrorCode(err) != domain.CodeInvalid {
			t.Errorf("an owner that refuses: %v", err)
		}
		if _, err := w.Delete(ctx, id, 0); domain.ErrorCode(err) != domain.CodeInvalid {
			t.Errorf("an owner that refuses a deletion: %v", err)
		}
		if begun, _ := w.owner.told(); begun != 1 || w.number(id) != 1 || len(w.locks.busy) != 0 {
			t.Errorf("%d begun, version %d, %d locks", begun, w.number(id), len(w.locks.busy))
		}
	})
}

func TestSetActive(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		id := w.make()
		for i, c := range []struct {
			active, changed bool
			number          int
		}{{true, false, 1}, {false, true, 2}, {false, false, 2}, {true, true, 3}, {true, false, 3}} {
			v, changed, err := w.SetActive(t.Context(), id, 0, c.active, nil)
			if err != nil || changed != c.changed || v.Number != c.number || v.Active != c.active {
				t.Errorf("step %d: version %d, active %t, changed %t, error %v", i, v.Number, v.Active, changed, err)
			}
		}
		if _, _, err := w.SetActive(t.Context(), domain.JobID{1}, 0,
			true, nil); domain.ErrorCode(err) != domain.CodeNotFound {
			t.Errorf("no job: %v", err)
		}
	})
}

// A store that does not answer a read keeps nobody for longer than a commit may take,
// and its fault is not the caller's.
func TestReadsThatFail(t *testing.T) {
	for _, f := range []faulty.Fault{faulty.FailBefore, faulty.HangBefore} {
		bubble(t, func(t *testing.T, w *world) {
			id := w.make()
			w.store.Add(faulty.Rule{Method: "Jobs.Get", Fault: f, Err: errDisk})
			for name, change := range map[string]func(context.Context) error{
				"update": func(ctx context.Context) error { _, err := w.Update(ctx, id, 0, keep); return err },
				"delete": func(ctx context.Context) error { _, err := w.Delete(ctx, id, 0); return err },
			} {
				began := time.Now()
				err := change(t.Context())
				if f == faulty.FailBefore && domain.ErrorCode(err) != domain.CodeUnavailable || err == nil {
					t.Errorf("%s: %v", name, err)
				}
				if took := time.Since(began); took > commitTimeout {
					t.Errorf("%s took %s", name, took)
				}
			}
			w.store.Clear()
			if _, err := w.Delete(t.Context(), id, 1); err != nil {
				t.Error(err)
			}
		})
	}
}
