package edit

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// A document that is wrong does not spoil the others, and one commit takes all.
func TestCreate(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		made := w.Create(t.Context(), []domain.SpecDoc{doc(), {}, doc(func(d *domain.SpecDoc) { d.IsActive = false })})
		if made[0].Err != nil || domain.ErrorCode(made[1].Err) != domain.CodeInvalid || made[2].Err != nil {
			t.Fatalf("%+v", made)
		}
		for _, i := range []int{0, 2} {
			job, err := w.store.Jobs().Get(t.Context(), made[i].Version.JobID)
			if err != nil || job.Current.EffectiveFrom != made[i].Version.EffectiveFrom || job.Current.Number != 1 ||
				job.Current.Active != (i == 0) {
				t.Errorf("%+v, error %v", job, err)
			}
		}
		if made := w.Create(t.Context(), []domain.SpecDoc{{}, {}}); made[0].Err == nil || made[1].Err == nil {
			t.Errorf("%+v", made)
		}
		if n := w.store.Count("Jobs.Create").Calls; n != 1 {
			t.Errorf("%d commits", n)
		}
		if begun, ended := w.owner.told(); begun != 2 || !slices.Equal(ended, []bool{true, false}) {
			t.Errorf("%d begun, told %v", begun, ended)
		}
		if none := w.Create(t.Context(), nil); len(none) != 0 {
			t.Errorf("of no document: %+v", none)
		}
	})
}

// Creations of unknown outcome are undone, also where the commit was done; as many are
// let in as can be asked for.
func TestUnclearCreations(t *testing.T) {
	for _, f := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
		bubble(t, func(t *testing.T, w *world) {
			w.fail(f, "Jobs.Create")
			w.fail(faulty.FailBefore, "Jobs.Get", "Jobs.Delete")
			for range maxUnclear + 3 {
				if made := w.Create(t.Context(), []domain.SpecDoc{doc()}); domain.ErrorCode(
					made[0].Err) != domain.CodeUnavailable {
					t.Fatalf("%+v", made)
				}
			}
			if begun, ended := w.owner.told(); begun != maxUnclear || len(ended) != 0 {
				t.Errorf("%d begun, told %v", begun, ended)
			}
			w.store.Clear()
			pass(time.Second)
			if total, _, err := w.store.Jobs().Count(t.Context()); err != nil || total != 0 {
				t.Errorf("%d jobs are left, error %v", total, err)
			}
			if _, ended := w.owner.told(); len(ended) != maxUnclear || slices.Contains(ended, true) {
				t.Errorf("told %v", ended)
			}
			w.make()
		})
	}
}

// An import commits in chunks, bounded by documents and by bytes, and tells of each
// document by its place.
func TestImport(t *testing.T) {
	for name, c := range map[string]struct {
		docs, body, commits int
	}{
		"by documents": {2*ChunkDocs + 2, 0, 3},
		"by bytes":     {70, domain.MaxBodyBytes, 9},
		"none":         {0, 0, 0},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(t *testing.T, w *world) {
				var places []int
				im := w.NewImport(ImportConfig{Told: func(at []int, made []Created) {
					places = append(places, at...)
					for i, m := range made {
						if wrong := at[i]%3 == 1; wrong != (m.Err != nil) {
							t.Errorf("place %d: %v", at[i], m.Err)
						}
					}
				}})
				for i := range c.docs {
					d := doc()
					if i%3 == 1 {
						d.API = ""
					}
					if c.body > 0 {
						d.Body = body(c.body)
					}
					if err := im.Add(t.Context(), &Item{Place: i, Doc: d}); err != nil {
						t.Fatal(err)
					}
				}
				if err := im.Finish(t.Context()); err != nil {
					t.Fatal(err)
				}
				if n := w.store.Count("Jobs.Create").Calls; n != c.commits || len(places) != c.docs ||
					!slices.IsSorted(places) {
					t.Errorf("%d commits, %d places", n, len(places))
				}
			})
		})
	}
}

func body(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = 'x'
	}
	b[0], b[n-1] = '"', '"'
	return b
}

// An import whose context has ended commits no more, and nothing of it goes on.
func TestImportIsBrokenOff(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.store.Add(faulty.Rule{Method: "Jobs.Create", Fault: faulty.Delay, Delay: time.Second})
		told := 0
		im := w.NewImport(ImportConfig{Told: func(_ []int, made []Created) { told += len(made) }})
		ctx, cancel := context.WithCancel(t.Context())
		defer cancel()
		d := doc()
		var err error
		for i := 0; err == nil; i++ {
			if i == ChunkDocs+10 {
				cancel()
			}
			err = im.Add(ctx, &Item{Place: i, Doc: d})
		}
		if err := im.Wait(); err != nil || told != ChunkDocs {
			t.Errorf("told of %d, error %v", told, err)
		}
		if total, _, _ := w.store.Jobs().Count(t.Context()); total != ChunkDocs {
			t.Errorf("%d jobs", total)
		}
	})
}

// A panic in a commit ends the import and not the process.
func TestPanicInAnImport(t *testing.T) {
	bubble(t, func(t *testing.T, w *world) {
		w.jobs = nil // the commit dereferences it
		im := w.NewImport(ImportConfig{Told: func([]int, []Created) { t.Error("told of a chunk that was not made") }})
		d := doc()
		if err := im.Add(t.Context(), &Item{Doc: d}); err != nil {
			t.Fatal(err)
		}
		if err := im.Finish(t.Context()); err == nil {
			t.Error("no error")
		}
		if err := im.Wait(); err != nil {
			t.Errorf("again: %v", err)
		}
	})
}
