package model

import "testing"

// mutantLimit bounds the search for a deliberate fault: the deepest lies behind
// a quarter of a million states, most behind some hundred.
const mutantLimit = 500_000

// mutants are deliberate faults, each in the smallest world that shows it, and
// what it must break. Only a broken law of that kind will do.
var mutants = []struct {
	want string
	scenario
}{
	{lost, scenario{name: "W moves before the facts are durable",
		last: 3, kills: 1, jobs: []jobPlan{{first: every(1)}}, mutant: mutant{wBeforeFacts: true}}},
	{pastH, scenario{name: "no horizon: a fire goes out whatever H is",
		last: 4, jobs: []jobPlan{{first: every(1, 3)}}, mutant: mutant{ignoreHorizon: true}}},
	{doubled, scenario{name: "no horizon: recovery takes all above W for never sent",
		last: 4, kills: 1, jobs: []jobPlan{{once: true, first: every(1)}}, mutant: mutant{allNeverSent: true}}},
	{phantom, scenario{name: "an edit without the frontier",
		last: 4, back: 1, steps: 1, jobs: []jobPlan{{first: every(1, 2), edits: []version{every(3)}}},
		mutant: mutant{noFrontier: true}}},
	{phantom, scenario{name: "an edit without the hold",
		last: 4, jobs: []jobPlan{{first: every(1, 2), edits: []version{every(3)}}}, mutant: mutant{noHold: true}}},
	{lost, scenario{name: "an edit without holding W",
		last: 4, kills: 1, jobs: []jobPlan{{first: every(1), edits: []version{every(2, 3)}}},
		mutant: mutant{noFloor: true}}},
	{lost, scenario{name: "a creation without holding W",
		last: 4, jobs: []jobPlan{{first: every(1, 2, 3), create: true}}, mutant: mutant{noFloor: true}}},
	{lost, scenario{name: "an edit that overlooks the W of a beat under way",
		last: 6, back: 2, steps: 2, split: true, jobs: []jobPlan{{first: every(1, 2, 3), create: true}},
		mutant: mutant{ignoreProposed: true}}},
	{lost, scenario{name: "a creation of unknown outcome lets go of W",
		last: 4, faults: 1, jobs: []jobPlan{{first: every(1, 2), create: true}}, mutant: mutant{loseUnclear: true}}},
	{lost, scenario{name: "an edit moves the job past fires that were not staged",
		last: 4, jobs: []jobPlan{{first: every(1, 2), edits: []version{every(3)}}}, mutant: mutant{dropOverdue: true}}},
	{lost, scenario{name: "a refused edit forgets the fires that it held",
		last: 4, faults: 1, jobs: []jobPlan{{first: every(1, 2), edits: []version{every(3)}}},
		mutant: mutant{dropHeld: true}}},
	{lost, scenario{name: "next from now after a late wake-up",
		last: 4, jobs: []jobPlan{{first: every(1, 2)}}, mutant: mutant{nextFromNow: true}}},
	{lost, scenario{name: "the state of retries in memory only",
		last: 4, kills: 1, fails: 1, jobs: []jobPlan{{first: every(1), retries: 1}},
		mutant: mutant{retryInMemory: true}}},
	{phantom, scenario{name: "back-fill when a job is resumed",
		last: 5, jobs: []jobPlan{{first: every(1), edits: []version{paused, every(2, 3)}}},
		mutant: mutant{backFill: true}}},
	{lost, scenario{name: "recovery goes on although its decisions are not durable",
		last: 4, kills: 1, jobs: []jobPlan{{once: true, first: every(1)}}, mutant: mutant{neverFlushed: true}}},
	{pastH, scenario{name: "recovery sends before its first beat",
		last: 4, jobs: []jobPlan{{first: every(2)}}, mutant: mutant{sendBeforeBeat: true}}},
	{lost, scenario{name: "facts are acknowledged before they are synced",
		last: 4, cuts: 1, jobs: []jobPlan{{first: every(1)}}, mutant: mutant{unsyncedFacts: true}}},
	{doubled, scenario{name: "the clean flag although a call is in flight",
		last: 4, stops: 1, jobs: []jobPlan{{once: true, first: every(1)}}, mutant: mutant{cleanWithCalls: true}}},
	{lostTrigger, scenario{name: "a trigger is answered before its row is durable",
		last: 3, kills: 1, jobs: []jobPlan{{first: every(1)}}, triggers: []int{0},
		mutant: mutant{triggerBeforeRow: true}}},
	{doubled, scenario{name: "at most once is retried although bytes were sent",
		last: 4, fails: 1, jobs: []jobPlan{{once: true, first: every(1), retries: 1}},
		mutant: mutant{onceRetriesMaybe: true}}},
	{identity, scenario{name: "an identity made from the time of the send",
		last: 4, fails: 1, jobs: []jobPlan{{first: every(1), retries: 1}}, mutant: mutant{idFromNow: true}}},
	{changed, scenario{name: "a fact replaces the one that is there",
		last: 6, lease: true, two: true, fails: 1, jobs: []jobPlan{{first: every(1)}},
		mutant: mutant{replaceFacts: true}}},
	{doubled, scenario{name: "a takeover while the lease holds",
		last: 5, lease: true, two: true, jobs: []jobPlan{{once: true, first: every(1, 2)}},
		mutant: mutant{claimAtOnce: true}}},
	{doubled, scenario{name: "a beat without the fence",
		last: 6, lease: true, two: true, jobs: []jobPlan{{once: true, first: every(1, 3, 4)}},
		mutant: mutant{noFence: true}}},
	{doubled, scenario{name: "a retry beyond the horizon, in the grace of the lease",
		last: 5, kills: 1, fails: 1, lease: true, grace: 1, jobs: []jobPlan{{once: true, first: every(1), retries: 1}},
		mutant: mutant{graceBeyondH: true}}},
	{pastH, scenario{name: "a clock set back during recovery, and a send rule that looks at the clock alone",
		last: 5, back: 2, steps: 2, jobs: []jobPlan{{first: every(1)}}, mutant: mutant{clockIsEnough: true}}},
	{pastH, scenario{name: "a clock set back after an edit, and a send rule that looks at the clock alone",
		last: 5, back: 1, steps: 1, jobs: []jobPlan{{first: every(1, 2, 3), edits: []version{every(4)}}},
		mutant: mutant{clockIsEnough: true}}},
	{phantom, scenario{name: "a span that does not move the frontier",
		last: 6, back: 1, steps: 1, jobs: []jobPlan{{first: every(1, 2, 3), edits: []version{every(4)}}},
		mutant: mutant{spanUnseen: true}}},
	{tooEarly, scenario{name: "fires are released before they are due",
		last: 3, jobs: []jobPlan{{first: every(1, 2)}}, mutant: mutant{releaseEarly: true}}},
	{duplicate, scenario{name: "an error of the store is taken for one of the target",
		last: 3, faults: 1, jobs: []jobPlan{{first: every(1)}}, mutant: mutant{sendAfterError: true}}},
	{stuck, scenario{name: "recovery does not take up open runs",
		last: 4, kills: 1, fails: 1, jobs: []jobPlan{{first: every(1), retries: 1}}, mutant: mutant{dropRuns: true}}},
	{stopped, scenario{name: "a pause is forgotten once W is past it",
		last: 4, kills: 1, fails: 1, jobs: []jobPlan{{first: every(1), retries: 1, edits: []version{paused, every(3)}}},
		mutant: mutant{stopIgnored: true}}},
	{lost, scenario{name: "opening does not sync what a killed process wrote",
		last: 4, kills: 1, cuts: 1, faults: 1, jobs: []jobPlan{{first: every(1)}}, mutant: mutant{unsyncedOpen: true}}},
}

func TestMutants(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			expect(t, m.want, m.scenario)
		})
	}
}

// TestMutantsAreTheOnlyFault explores the world of each mutant without it:
// what is found there is the mutant and nothing else.
func TestMutantsAreTheOnlyFault(t *testing.T) {
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.mutant = mutant{}
			check(t, of(m.scenario))
		})
	}
}

// limits are worlds that the protocol is not made for, and what breaks there.
var limits = []struct {
	want string
	scenario
}{
	{doubled, scenario{name: "at most once, a crash, and a clock set back by less than the slack",
		last: 5, back: 1, steps: 1, kills: 1, jobs: []jobPlan{{once: true, first: every(1)}}}},
	{lost, scenario{name: "a wall clock that stays further ahead of the store's own than the horizon",
		last: 3, ahead: 2, steps: 2, ownClock: true, jobs: []jobPlan{{first: every(1)}}}},
	{phantom, scenario{name: "an edit after a crash and a clock set back by less than the slack",
		last: 5, back: 1, steps: 1, kills: 1, jobs: []jobPlan{{first: every(1), edits: []version{every(3)}}}}},
}

// TestLimits shows where the promises end: doc.go says why. When one of these
// is not found any more, the protocol has become better, and doc.go is wrong.
func TestLimits(t *testing.T) {
	for _, l := range limits {
		t.Run(l.name, func(t *testing.T) {
			t.Parallel()
			expect(t, l.want, l.scenario)
		})
	}
}

// expect explores a world and wants a law of one kind to be broken.
func expect(t *testing.T, want string, sc scenario) {
	t.Helper()
	p := of(sc)
	r := explore(p, mutantLimit)
	switch {
	case r.broken == nil:
		t.Fatalf("not found among %d states; it should break %q", r.states, want)
	case r.broken.kind != want:
		t.Errorf("it breaks %q, not %q: %s", r.broken.kind, want, r.broken.text)
	}
	t.Logf("%s, after %d states: %s\n%s", r.broken.kind, r.states, r.broken.text, p.table(r.path))
}
