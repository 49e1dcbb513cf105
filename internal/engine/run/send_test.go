package run

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// The send rule: what each fact alone makes of a run that could be sent, and which
// one counts where several do.
func TestDecideSend(t *testing.T) {
	t.Parallel()
	may := Limits{Now: 10_000, SendUntil: 12_000, Horizon: 13_000}
	fire := sendFacts{at: 9_900, scheduled: true, fresh: true, versionTo: Never, editFrom: Never, oldest: 9_000}
	retry := fire
	retry.fresh = false
	manual := sendFacts{at: 9_900, versionTo: Never, editFrom: Never, oldest: 9_000}
	for _, c := range []struct {
		name   string
		facts  sendFacts
		change func(*sendFacts)
		limits Limits
		want   Verdict
	}{
		{"a fire on time", fire, nil, may, SendNow},
		{"a retry", retry, nil, may, SendNow},
		{"a trigger", manual, nil, may, SendNow},
		{"its job was stopped", fire, func(f *sendFacts) { f.stopped = true }, may, RefuseStopped},
		{"a retry whose job was stopped", retry, func(f *sendFacts) { f.stopped = true }, may, RefuseStopped},
		{"a trigger whose job was stopped", manual, func(f *sendFacts) { f.stopped = true }, may, RefuseStopped},
		{"its version ended before it", fire, func(f *sendFacts) { f.versionTo = 9_900 }, may, RefuseDropped},
		{"its version ended after it", fire, func(f *sendFacts) { f.versionTo = 9_901 }, may, SendNow},
		{"a retry of a version that has ended", retry, func(f *sendFacts) { f.versionTo = 9_900 }, may, SendNow},
		{"a trigger of a version that has ended", manual, func(f *sendFacts) { f.versionTo = 9_900 }, may, SendNow},
		{"an edit from its instant on is under way", fire, func(f *sendFacts) { f.editFrom = 9_900 }, may, KeepForEdit},
		{"an edit from later on is under way", fire, func(f *sendFacts) { f.editFrom = 9_901 }, may, SendNow},
		{"a retry during an edit", retry, func(f *sendFacts) { f.editFrom = 9_000 }, may, SendNow},
		{"it is as old as it may be", fire, func(f *sendFacts) { f.at = 9_000 }, may, SendNow},
		{"it is too old", fire, func(f *sendFacts) { f.at = 8_999 }, may, RefuseTooOld},
		{"an old retry", retry, func(f *sendFacts) { f.at = 1 }, may, SendNow},
		{"at the horizon", fire, nil, Limits{10_000, 12_000, 9_900, false}, SendNow},
		{"beyond the horizon", fire, nil, Limits{10_000, 12_000, 9_899, false}, WaitHorizon},
		{"a retry beyond the horizon", retry, nil, Limits{10_000, 12_000, 9_899, false}, WaitHorizon},
		{"a trigger has no horizon", manual, nil, Limits{10_000, 12_000, 0, false}, SendNow},
		{"at the end of the lease", fire, nil, Limits{10_000, 10_000, 13_000, false}, SendNow},
		{"after the lease", fire, nil, Limits{10_001, 10_000, 13_000, false}, WaitLease},
		{"a trigger after the lease", manual, nil, Limits{10_001, 10_000, 13_000, false}, WaitLease},
		{"after the lease by another clock", fire, nil, Limits{10_000, 12_000, 13_000, true}, WaitLease},
		{"a trigger after the lease by another clock", manual, nil, Limits{10_000, 12_000, 13_000, true}, WaitLease},
		{"recovered, after the lease by another clock", retry, func(f *sendFacts) { f.crashed = true },
			Limits{10_000, 12_000, 13_000, true}, WaitLease},
		{"stopped, after the lease by another clock", fire, func(f *sendFacts) { f.stopped = true },
			Limits{10_000, 12_000, 13_000, true}, RefuseStopped},
		{"recovered", retry, func(f *sendFacts) { f.crashed = true }, may, SendMarked},
		{"recovered and marked", retry, func(f *sendFacts) { f.crashed, f.marked = true, true }, may, SendNow},
		{"recovered, after the lease", retry, func(f *sendFacts) { f.crashed = true },
			Limits{10_001, 10_000, 13_000, false}, WaitLease},
		{"stopped, after the lease", fire, func(f *sendFacts) { f.stopped = true }, Limits{10_001, 0, 0, false},
			RefuseStopped},
		{"stopped, and dropped by its version's end", fire, func(f *sendFacts) { f.stopped, f.versionTo = true, 1 },
			may, RefuseStopped},
		{"its shard was lost", fire, func(f *sendFacts) { f.lost, f.stopped = true, true }, may, RefuseDropped},
		{"a retry whose shard was lost", retry, func(f *sendFacts) { f.lost = true }, may, RefuseDropped},
		{"too old, during an edit", fire, func(f *sendFacts) { f.at, f.editFrom = 1, 1 }, may, KeepForEdit},
	} {
		facts := c.facts
		if c.change != nil {
			c.change(&facts)
		}
		if got := decideSend(facts, c.limits); got != c.want {
			t.Errorf("%s: verdict %d, want %d", c.name, got, c.want)
		}
	}
}

func TestEndStopped(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		attempts []domain.Attempt
		want     domain.Status
		text     string
	}{
		{"never sent", nil, domain.StatusSkipped, "paused"},
		{"an attempt failed", []domain.Attempt{{StartedAt: 1, Error: "refused"}}, domain.StatusFailed,
			"no further attempt: paused; last error: refused"},
		{"a crash hid the last attempt", []domain.Attempt{{StartedAt: 1}, {}}, domain.StatusUnknown,
			LostOutcome + "; paused again"},
	} {
		if got, text := EndStopped(c.attempts, "paused"); got != c.want || text != c.text {
			t.Errorf("%s: %s %q, want %s %q", c.name, got, text, c.want, c.text)
		}
	}
}

// Every transition between two states is allowed or panics, as the table says.
func TestTransitions(t *testing.T) {
	t.Parallel()
	allowed := map[State][]State{
		StateQueued:     {StateQueued, StateCalling, StateAwaitRetry, StateEnded},
		StateCalling:    {StateAwaitRetry, StateEnded},
		StateAwaitRetry: {StateQueued, StateCalling, StateAwaitRetry},
	}
	states := []State{StateQueued, StateCalling, StateAwaitRetry, StateEnded}
	for _, from := range states {
		for _, to := range states {
			want := false
			for _, s := range allowed[from] {
				want = want || s == to
			}
			panicked := func() (did bool) {
				defer func() { did = recover() != nil }()
				(&Run{State: from}).SetState(to)
				return false
			}()
			if panicked == want {
				t.Errorf("from %d to %d: allowed %v, want %v", from, to, !panicked, want)
			}
		}
	}
}

func TestMain(m *testing.M) {
	CheckTransitions = true
	m.Run()
}
