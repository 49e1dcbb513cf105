package faulty_test

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// recording is a store that notes the calls that reach it.
type recording struct {
	store.Store
	calls []string
	err   error // of the next calls
}

func (r *recording) note(name string) error {
	r.calls = append(r.calls, name)
	return r.err
}

func (r *recording) Jobs() store.Jobs       { return recordingJobs{r: r} }
func (r *recording) History() store.History { return recordingHistory{r: r} }
func (r *recording) Ledger() store.Ledger   { return recordingLedger{r: r} }
func (r *recording) Shards() store.Shards   { return recordingShards{r: r} }
func (r *recording) Alerts() store.Alerts   { return recordingAlerts{r: r} }
func (r *recording) Keys() store.Keys       { return recordingKeys{r: r} }
func (r *recording) Changes() store.Changes { return recordingChanges{r: r} }
func (r *recording) Close() error           { return r.note("Close") }

type recordingJobs struct{ r *recording }

func (j recordingJobs) Create(context.Context, []domain.Version) error {
	return j.r.note("Jobs.Create")
}
func (j recordingJobs) Update(context.Context, domain.Version) error { return j.r.note("Jobs.Update") }
func (j recordingJobs) Delete(context.Context, domain.JobID, int, int64) error {
	return j.r.note("Jobs.Delete")
}
func (j recordingJobs) Get(context.Context, domain.JobID) (domain.Job, error) {
	return domain.Job{CreatedAt: 7}, j.r.note("Jobs.Get")
}
func (j recordingJobs) List(context.Context, store.JobQuery) (store.JobPage, error) {
	return store.JobPage{Count: 7}, j.r.note("Jobs.List")
}
func (j recordingJobs) Versions(context.Context, domain.JobID, store.Parts) ([]domain.Version, error) {
	return make([]domain.Version, 7), j.r.note("Jobs.Versions")
}
func (j recordingJobs) VersionsBefore(context.Context, store.VersionQuery) ([]domain.Version, error) {
	return make([]domain.Version, 7), j.r.note("Jobs.VersionsBefore")
}
func (j recordingJobs) Timeline(_ context.Context, _ store.ShardSet, _ int64, _ store.Parts,
	fn func(domain.Version) error) error {
	return errors.Join(fn(domain.Version{}), j.r.note("Jobs.Timeline"))
}
func (j recordingJobs) Pauses(context.Context, int64, store.PauseEnd, int) ([]store.PauseEnd, error) {
	return make([]store.PauseEnd, 7), j.r.note("Jobs.Pauses")
}
func (j recordingJobs) Count(context.Context) (int64, int64, error) {
	return 7, 7, j.r.note("Jobs.Count")
}

type recordingHistory struct{ r *recording }

func (h recordingHistory) Execution(context.Context, domain.ExecutionID) (domain.Execution, error) {
	return domain.Execution{Version: 7}, h.r.note("History.Execution")
}
func (h recordingHistory) ByJob(context.Context, domain.JobID, store.Page) ([]domain.Execution, error) {
	return make([]domain.Execution, 7), h.r.note("History.ByJob")
}
func (h recordingHistory) List(context.Context, store.ExecutionQuery) (store.ExecutionPage, error) {
	return store.ExecutionPage{Next: domain.FireKey{Nonce: 7}}, h.r.note("History.List")
}
func (h recordingHistory) Last(context.Context, []domain.Job) (map[domain.JobID]domain.Execution, error) {
	return make(map[domain.JobID]domain.Execution), h.r.note("History.Last")
}
func (h recordingHistory) Stream(_ context.Context, _, _ int64, fn func([]domain.Execution) error) error {
	return errors.Join(fn(nil), h.r.note("History.Stream"))
}
func (h recordingHistory) Totals(context.Context, int64) (store.Totals, error) {
	return store.Totals{Timed: 7}, h.r.note("History.Totals")
}
func (h recordingHistory) Expire(context.Context, int64) (int, error) {
	return 7, h.r.note("History.Expire")
}

func (h recordingHistory) Kept(context.Context) (int64, error) { return 7, h.r.note("History.Kept") }

type recordingAlerts struct{ r *recording }

func (a recordingAlerts) List(context.Context, store.AlertPage) ([]domain.Alert, error) {
	return make([]domain.Alert, 7), a.r.note("Alerts.List")
}

func (a recordingAlerts) MostFailures(context.Context, store.JobFailures, int) ([]store.JobFailures, error) {
	return make([]store.JobFailures, 7), a.r.note("Alerts.MostFailures")
}

func (a recordingAlerts) AddLost(context.Context, []domain.Loss, int64) ([]domain.Loss, error) {
	return make([]domain.Loss, 7), a.r.note("Alerts.AddLost")
}

type recordingChanges struct{ r *recording }

func (c recordingChanges) Add(context.Context, domain.Change) error { return c.r.note("Changes.Add") }
func (c recordingChanges) List(context.Context, store.ChangeQuery) ([]domain.Change, error) {
	return make([]domain.Change, 7), c.r.note("Changes.List")
}

// methods calls every method of a store and reports whether it returned a value.
var methods = map[string]func(ctx context.Context, s store.Store) (value bool, err error){
	"Jobs.Create": func(ctx context.Context, s store.Store) (bool, error) { return false, s.Jobs().Create(ctx, nil) },
	"Jobs.Update": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Jobs().Update(ctx, domain.Version{})
	},
	"Jobs.Delete": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Jobs().Delete(ctx, domain.JobID{}, 1, 1)
	},
	"Jobs.Get": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Jobs().Get(ctx, domain.JobID{})
		return v.CreatedAt == 7, err
	},
	"Jobs.List": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Jobs().List(ctx, store.JobQuery{})
		return v.Count == 7, err
	},
	"Jobs.Versions": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Jobs().Versions(ctx, domain.JobID{}, store.WholeVersions)
		return len(v) == 7, err
	},
	"Jobs.Timeline": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Jobs().Timeline(ctx, store.ShardSet{}, 0, store.WholeVersions,
			func(domain.Version) error { return nil })
	},
	"Jobs.Pauses": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Jobs().Pauses(ctx, 0, store.PauseEnd{}, 0)
		return len(v) == 7, err
	},
	"Jobs.Count": func(ctx context.Context, s store.Store) (bool, error) {
		total, active, err := s.Jobs().Count(ctx)
		return total == 7 && active == 7, err
	},
	"History.Execution": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.History().Execution(ctx, domain.ExecutionID{})
		return v.Version == 7, err
	},
	"History.ByJob": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.History().ByJob(ctx, domain.JobID{}, store.Page{})
		return len(v) == 7, err
	},
	"History.List": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.History().List(ctx, store.ExecutionQuery{})
		return v.Next.Nonce == 7, err
	},
	"History.Last": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.History().Last(ctx, nil)
		return v != nil, err
	},
	"History.Stream": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.History().Stream(ctx, 0, 1, func([]domain.Execution) error { return nil })
	},
	"History.Totals": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.History().Totals(ctx, 0)
		return v.Timed == 7, err
	},
	"History.Expire": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.History().Expire(ctx, 0)
		return v == 7, err
	},
	"Ledger.Record": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Ledger().Record(ctx, store.Batch{})
	},
	"Ledger.Facts": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Ledger().Facts(ctx, store.ShardSet{}, 0, 1, func(store.FactRange) error { return nil })
	},
	"Ledger.Ranges": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Ledger().Ranges(ctx, store.ShardSet{}, 0, func(store.FactRange) error { return nil })
	},
	"Ledger.OpenRuns": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Ledger().OpenRuns(ctx, store.ShardSet{}, func(domain.OpenRun) error { return nil })
	},
	"Ledger.RunsOf": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Ledger().RunsOf(ctx, nil)
		return len(v) == 7, err
	},
	"Shards.Claim": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Shards().Claim(ctx, 1, nil)
		return len(v) == 7, err
	},
	"Shards.Beat": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Shards().Beat(ctx, nil, 1)
		return len(v) == 7, err
	},
	"Shards.Release": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Shards().Release(ctx, nil, 1)
	},
	"Shards.Peek": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Shards().Peek(ctx)
		return len(v) == 7, err
	},
	"Shards.ResetWatermark": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Shards().ResetWatermark(ctx, 1)
	},
	"Alerts.List": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Alerts().List(ctx, store.AlertPage{})
		return len(v) == 7, err
	},
	"Alerts.MostFailures": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Alerts().MostFailures(ctx, store.JobFailures{}, 0)
		return len(v) == 7, err
	},
	"Alerts.AddLost": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Alerts().AddLost(ctx, nil, 0)
		return len(v) == 7, err
	},
	"Keys.Add": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Keys().Add(ctx, domain.APIKey{})
	},
	"Keys.Revoke": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Keys().Revoke(ctx, "", 1, false)
	},
	"Keys.Used": func(ctx context.Context, s store.Store) (bool, error) { return false, s.Keys().Used(ctx, nil) },
	"Keys.EndSession": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Keys().EndSession(ctx, domain.EndedSession{}, 1)
	},
	"Keys.EndedSessions": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Keys().EndedSessions(ctx)
		return len(v) == 7, err
	},
	"Keys.List": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Keys().List(ctx)
		return len(v) == 7, err
	},
	"Changes.Add": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Changes().Add(ctx, domain.Change{})
	},
	"Changes.List": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Changes().List(ctx, store.ChangeQuery{})
		return len(v) == 7, err
	},
	"Shards.AddZoneRules": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Shards().AddZoneRules(ctx, nil)
	},
	"Shards.ZoneRules": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Shards().ZoneRules(ctx)
		return len(v) == 7, err
	},
	"Ledger.SetAside": func(ctx context.Context, s store.Store) (bool, error) {
		return false,
			s.Ledger().SetAside(ctx, nil)
	},
	"Ledger.EndAside": func(ctx context.Context, s store.Store) (bool, error) {
		return false,
			s.Ledger().EndAside(ctx, nil)
	},
	"Ledger.Asides": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Ledger().Asides(ctx)
		return len(v) == 7, err
	},
	"Edits.Create": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Edits().Create(ctx, nil, 1)
		return len(v) == 7, err
	},
	"Edits.Update": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Edits().Update(ctx, domain.Version{}, 1)
		return v.At == 7, err
	},
	"Edits.Delete": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Edits().Delete(ctx, domain.JobID{}, 1, 1)
		return v.At == 7, err
	},
	"Edits.Unclaimed": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Edits().Unclaimed(ctx, store.ShardSet{}, func(domain.OpenRun) error { return nil })
	},
	"Edits.Changed": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Edits().Changed(ctx, 0, 0, func(domain.Version) error { return nil })
	},
	"Nodes.Seen": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Nodes().Seen(ctx, store.Node{})
		return len(v) == 7, err
	},
	"Nodes.Protocol": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.Nodes().Protocol(ctx)
		return v == 7, err
	},
	"Nodes.RaiseProtocol": func(ctx context.Context, s store.Store) (bool, error) {
		return false, s.Nodes().RaiseProtocol(ctx, 2)
	},
	"Nodes.Remove": func(ctx context.Context, s store.Store) (bool, error) { return false, s.Nodes().Remove(ctx, 1) },
	"History.Kept": func(ctx context.Context, s store.Store) (bool, error) {
		v, err := s.History().Kept(ctx)
		return v == 7, err
	},
}

func TestEveryMethod(t *testing.T) {
	for name, call := range methods {
		t.Run(name, func(t *testing.T) {
			real := new(recording)
			s := faulty.New(real, 1)

			if value, err := call(t.Context(), s); err != nil || value != hasValue[name] || len(real.calls) != 1 ||
				real.calls[0] != name {
				t.Fatalf("without rules: value %t, error %v, calls %v", value, err, real.calls)
			}
			s.Add(faulty.Rule{Method: name, Fault: faulty.FailBefore, Times: 1})
			s.Add(faulty.Rule{Method: name, Fault: faulty.FailAfter, Times: 1})
			for _, reaches := range []int{1, 2} {
				value, err := call(t.Context(), s)
				if !errors.Is(err, faulty.ErrInjected) || domain.ErrorCode(err) != domain.CodeUnavailable {
					t.Fatalf("error %v, want an injected one", err)
				}
				if value || len(real.calls) != reaches {
					t.Fatalf("value %t, calls %v, want none and %d calls", value, real.calls, reaches)
				}
			}
			want := faulty.Count{Calls: 3}
			want.Faults[faulty.FailBefore], want.Faults[faulty.FailAfter] = 1, 1
			if got := s.Count(name); got != want {
				t.Fatalf("count %+v, want %+v", got, want)
			}
		})
	}
}

func beat(ctx context.Context, s store.Store) error {
	_, err := s.Shards().Beat(ctx, nil, 1)
	return err
}

func TestRulesMatchMethodRoleOrAll(t *testing.T) {
	for _, c := range []struct {
		method              string
		beat, claim, record bool
	}{
		{"Shards.Beat", true, false, false},
		{"Shards", true, true, false},
		{"", true, true, true},
		{"Shard", false, false, false},
		{"Beat", false, false, false},
	} {
		s := faulty.New(new(recording), 1)
		s.Add(faulty.Rule{Method: c.method})
		_, claimErr := s.Shards().Claim(t.Context(), 1, nil)
		recordErr := s.Ledger().Record(t.Context(), store.Batch{})
		if (beat(t.Context(), s) != nil) != c.beat || (claimErr != nil) != c.claim || (recordErr != nil) != c.record {
			t.Errorf("rule for %q: beat %t, claim %v, record %v", c.method, !c.beat, claimErr, recordErr)
		}
	}
}

func TestSkipTimesAndRemove(t *testing.T) {
	s := faulty.New(new(recording), 1)
	own := errors.New("own")
	s.Add(faulty.Rule{Method: "Shards.Beat", Skip: 2, Times: 2, Err: own})
	remove := s.Add(faulty.Rule{Method: "Shards.Beat", Skip: 5})
	var got []bool
	for range 6 {
		got = append(got, beat(t.Context(), s) != nil)
	}
	// The second rule does not see the two calls that the first one struck.
	for i, want := range []bool{false, false, true, true, false, false} {
		if got[i] != want {
			t.Fatalf("call %d failed: %t, want %t (%v)", i, got[i], want, got)
		}
	}
	_ = beat(t.Context(), s)
	if err := beat(t.Context(), s); !errors.Is(err, faulty.ErrInjected) {
		t.Fatalf("the second rule is not due: %v", err)
	}
	remove()
	remove() // harmless
	if err := beat(t.Context(), s); err != nil {
		t.Fatalf("after its rule was removed: %v", err)
	}
	s.Add(faulty.Rule{Err: own})
	if err := beat(t.Context(), s); !errors.Is(err, own) {
		t.Fatalf("error %v, want the rule's own", err)
	}
	s.Clear()
	if err := beat(t.Context(), s); err != nil {
		t.Fatalf("after Clear: %v", err)
	}
	if n := s.Total(faulty.FailBefore); n != 4 {
		t.Fatalf("%d faults in all, want 4", n)
	}
}

// outcomes returns which of n beats fail, with other calls in between.
func outcomes(t *testing.T, seed uint64, n, between int) (failed []bool) {
	s := faulty.New(new(recording), seed)
	s.Add(faulty.Rule{Method: "Ledger", P: 0.5, Fault: faulty.FailBefore})
	s.Add(faulty.Rule{Method: "Shards.Beat", P: 0.3, Fault: faulty.FailBefore})
	for range n {
		for range between {
			_ = s.Ledger().Record(t.Context(), store.Batch{})
		}
		failed = append(failed, beat(t.Context(), s) != nil)
	}
	return failed
}

func TestProbabilityFollowsTheSeed(t *testing.T) {
	const n = 2_000
	first := outcomes(t, 42, n, 0)
	again := outcomes(t, 42, n, 3)
	other := outcomes(t, 43, n, 0)
	failed, differ := 0, 0
	for i := range first {
		if first[i] != again[i] {
			t.Fatalf("call %d differs with the same seed", i)
		}
		if first[i] {
			failed++
		}
		if first[i] != other[i] {
			differ++
		}
	}
	if failed < 500 || failed > 700 {
		t.Errorf("%d of %d calls failed, want about 30 %%", failed, n)
	}
	if differ < 500 {
		t.Errorf("another seed differs in %d of %d calls only", differ, n)
	}
}

func TestTheRealErrorWins(t *testing.T) {
	full := errors.New("disk full")
	s := faulty.New(&recording{err: full}, 1)
	s.Add(faulty.Rule{Fault: faulty.FailAfter})
	if err := beat(t.Context(), s); !errors.Is(err, full) {
		t.Fatalf("error %v, want %v", err, full)
	}
}

func TestDelayAddsUpAndEndsWithTheContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		real := new(recording)
		s := faulty.New(real, 1)
		s.Add(faulty.Rule{Fault: faulty.Delay, Delay: 2 * time.Second})
		s.Add(faulty.Rule{Fault: faulty.Delay, Delay: 3 * time.Second})
		s.Add(faulty.Rule{Fault: faulty.FailAfter, Times: 1})
		begin := time.Now()
		if err := beat(t.Context(), s); !errors.Is(err, faulty.ErrInjected) || time.Since(begin) != 5*time.Second {
			t.Fatalf("error %v after %v, want an injected one after 5s", err, time.Since(begin))
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := beat(ctx, s); !errors.Is(err, context.DeadlineExceeded) || len(real.calls) != 1 {
			t.Fatalf("error %v, %d calls, want a deadline and no second call", err, len(real.calls))
		}
	})
}

func TestHangEndsWithTheContext(t *testing.T) {
	for _, c := range []struct {
		fault faulty.Fault
		calls int
	}{{faulty.HangBefore, 0}, {faulty.HangAfter, 1}} {
		synctest.Test(t, func(t *testing.T) {
			real := new(recording)
			s := faulty.New(real, 1)
			s.Add(faulty.Rule{Method: "Shards.Beat", Fault: c.fault})
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			begin := time.Now()
			err := beat(ctx, s)
			if !errors.Is(err, context.DeadlineExceeded) || time.Since(begin) != time.Minute ||
				len(real.calls) != c.calls {
				t.Fatalf("fault %d: error %v after %v and %d calls", c.fault, err, time.Since(begin), len(real.calls))
			}
		})
	}
}

func TestCloseNeverFails(t *testing.T) {
	real := new(recording)
	s := faulty.New(real, 1)
	s.Add(faulty.Rule{})
	if err := s.Close(); err != nil || len(real.calls) != 1 {
		t.Fatalf("close: %v, calls %v", err, real.calls)
	}
}
