package model

import (
	"sync"
	"testing"
	"time"
)

func every(ticks ...tick) version { return version{fires: ticks} }

var (
	paused  = version{stops: true}
	deleted = version{stops: true, deletes: true}
)

var scenarios = []scenario{
	{name: "crashes", last: 5, kills: 2, faults: 1, jobs: []jobPlan{{first: every(1, 2, 3)}}},
	{name: "retries", last: 4, kills: 1, fails: 2, faults: 1, jobs: []jobPlan{{first: every(1, 2), retries: 1}}},
	{name: "at most once", last: 4, kills: 2, fails: 1, faults: 1,
		jobs: []jobPlan{{once: true, first: every(1, 2), retries: 1}}},
	{name: "skip", last: 5, kills: 2, faults: 1, jobs: []jobPlan{{first: every(1, 2, 3), skip: true}}},
	{name: "power loss", last: 4, kills: 1, cuts: 1, faults: 1, jobs: []jobPlan{{first: every(1, 2)}}},
	{name: "poison", last: 3, kills: 3, jobs: []jobPlan{{first: every(1)}}},
	{name: "long calls", last: 4, kills: 2, fails: 1, faults: 1, sweep: true,
		jobs: []jobPlan{{once: true, first: every(1, 2), retries: 1}}},
	{name: "two jobs", last: 3, kills: 1, jobs: []jobPlan{{first: every(1, 2)}, {once: true, first: every(1, 2)}}},
	{name: "edit", last: 4, kills: 1, faults: 1, jobs: []jobPlan{{first: every(1, 2), edits: []version{every(2, 3)}}}},
	{name: "edit while a beat is under way", last: 5, kills: 1, split: true,
		jobs: []jobPlan{{first: every(1, 2), edits: []version{every(2, 3)}}}},
	{name: "edit twice", last: 4, kills: 1,
		jobs: []jobPlan{{first: every(1, 2), edits: []version{every(2, 3), every(3)}}}},
	{name: "pause and resume", last: 4, kills: 1,
		jobs: []jobPlan{{first: every(1, 2), edits: []version{paused, every(2, 3)}}}},
	{name: "pause and resume, faults", last: 4, faults: 1, split: true,
		jobs: []jobPlan{{first: every(1, 2), edits: []version{paused, every(2, 3)}}}},
	{name: "pause and resume, retries", last: 4, kills: 1, fails: 1,
		jobs: []jobPlan{{first: every(1), retries: 1, edits: []version{paused, every(3)}}}},
	{name: "delete", last: 4, kills: 1, faults: 1, jobs: []jobPlan{{first: every(1, 2), edits: []version{deleted}}}},
	{name: "delete, retries", last: 4, kills: 1, fails: 1, faults: 1,
		jobs: []jobPlan{{first: every(1), retries: 1, edits: []version{deleted}}}},
	{name: "create", last: 4, kills: 1, faults: 2, split: true, jobs: []jobPlan{{first: every(1, 2, 3), create: true}}},
	{name: "create beside another", last: 4, kills: 1,
		jobs: []jobPlan{{first: every(1, 2)}, {first: every(2, 3), create: true}}},
	{name: "trigger", last: 3, kills: 1, faults: 1, fails: 1, jobs: []jobPlan{{first: every(1), retries: 1}},
		triggers: []int{0}},
	{name: "trigger at most once", last: 3, kills: 1, fails: 1,
		jobs: []jobPlan{{once: true, first: every(1), retries: 1}}, triggers: []int{0}},
	{name: "trigger and pause", last: 3, kills: 1, stops: 1,
		jobs: []jobPlan{{first: every(2), edits: []version{paused}}}, triggers: []int{0}},
	{name: "stop", last: 4, kills: 1, stops: 2, faults: 1, jobs: []jobPlan{{first: every(1, 2)}}},
	{name: "stop at most once", last: 4, kills: 1, stops: 1, fails: 1,
		jobs: []jobPlan{{once: true, first: every(1, 2), retries: 1}}},
	{name: "clock steps", last: 6, back: 2, ahead: 2, steps: 3, kills: 1, jobs: []jobPlan{{first: every(1, 3)}}},
	{name: "clock steps and edits", last: 5, back: 1, ahead: 1, steps: 2,
		jobs: []jobPlan{{first: every(1, 2, 3), edits: []version{every(2, 3, 4)}}}},
	{name: "clock steps at most once", last: 6, back: 2, ahead: 1, steps: 3, fails: 1,
		jobs: []jobPlan{{once: true, first: every(1, 2), retries: 1}}},
	{name: "skewed clock", last: 6, back: 2, ahead: 2, steps: 3, ownClock: true, kills: 1,
		jobs: []jobPlan{{first: every(1, 3)}}},
	{name: "silent store", last: 5, kills: 1, fails: 1, lease: true, grace: 1,
		jobs: []jobPlan{{once: true, first: every(1, 2), retries: 1}}},
	{name: "takeover", last: 6, kills: 1, lease: true, two: true, jobs: []jobPlan{{first: every(1, 3)}}},
	{name: "takeover at most once", last: 6, lease: true, two: true, fails: 1,
		jobs: []jobPlan{{once: true, first: every(1, 3), retries: 1}}},
}

// TestProtocol explores every scenario: no law is broken, in any state.
func TestProtocol(t *testing.T) {
	var (
		mu    sync.Mutex
		total int
		taken = map[string]int{}
		facts [unknown + 1]int
	)
	t.Run("scenario", func(t *testing.T) {
		for _, sc := range scenarios {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				p := of(sc)
				r := check(t, p)
				mu.Lock()
				defer mu.Unlock()
				total += r.states
				for name, n := range r.taken {
					taken[name] += n
				}
				for fact, n := range p.facts {
					facts[fact] += n
				}
			})
		}
	})
	t.Logf("%d states in all", total)
	if !exhaustive {
		return
	}
	// A law that holds because nothing happens would be no proof.
	for _, name := range events {
		if taken[name] == 0 {
			t.Errorf("%q happens nowhere", name)
		}
	}
	for fact, n := range facts {
		if n == 0 {
			t.Errorf("no execution ends as %q", outcomeNames[fact])
		}
	}
}

// check explores one world and reports what it found.
func check(t *testing.T, p *protocol) report {
	t.Helper()
	start := time.Now()
	r := explore(p, limit)
	t.Logf("%d states, %d transitions, %d ends, depth %d, %v", r.states, r.transitions, r.ends, r.depth,
		time.Since(start).Round(time.Millisecond))
	switch {
	case r.broken != nil:
		t.Errorf("%s: %s\n%s", r.broken.kind, r.broken.text, p.table(r.path))
	case r.full && exhaustive:
		t.Errorf("more than %d states: not all of them were seen", limit)
	}
	return r
}

// events are the steps of the model, each of which some scenario takes.
var events = []string{
	"a tick passes", "the wall clock is set back", "the wall clock is set forward",
	"a process starts and claims the shard", "recovery decides", "the first beat; it runs",
	"turn", "send", "send, and it does not arrive:", "discard", "turn away", "keep for the edit",
	"answer 200", "answer 500, or none", "connection refused", "time out", "a call runs long:",
	"commit results", "commit results, an error is reported,", "commit the facts, not the open runs,",
	"beat", "a beat begins", "a beat that fails", "a beat that commits and reports an error",
	"a beat is refused: there is another owner; end",
	"an edit is asked for of job", "the store has the edit of job", "the store refuses the edit of job",
	"apply and answer the edit of job", "nobody can tell whether there is a job", "undo the creation of job",
	"trigger", "stop: nothing new", "stop: open runs for what is in flight", "stop: release the shard, end",
	"kill -9", "power loss",
}
