package model

import (
	"strings"
	"testing"
)

func TestNextAfter(t *testing.T) {
	p := of(scenario{last: 5, jobs: []jobPlan{{first: every(1, 2, 4), edits: []version{paused, every(3)}}}})
	for _, c := range []struct {
		version     uint8
		from, after tick
		want        tick
	}{
		{0, 1, 0, 1}, {0, 1, 1, 2}, {0, 1, 2, 4}, {0, 1, 4, never},
		{0, 2, 0, 2}, {0, 3, 0, 4}, // not before the version begins
		{1, 1, 0, never}, // paused
		{2, 1, 0, 3}, {2, 1, 3, never},
	} {
		if got := p.nextAfter(0, c.version, c.from, c.after); got != c.want {
			t.Errorf("version %d from %d: the next after %d is %d, want %d", c.version, c.from, c.after, got, c.want)
		}
	}
}

func TestTimeline(t *testing.T) {
	line := timeline{versions: 3, from: [1 + maxEdits]tick{1, 3, 3}, deleted: 5}
	for at, want := range map[tick]int{0: -1, 1: 0, 2: 0, 3: 2, 4: 2, 5: -1, 6: -1} {
		n, ok := line.valid(at)
		if got := int(n); ok != (want >= 0) || ok && got != want {
			t.Errorf("at %d version %d is valid (%v), want %d", at, got, ok, want)
		}
	}
	for n, want := range []tick{3, 3, 5} {
		if got := line.to(uint8(n)); got != want {
			t.Errorf("version %d ends at %d, want %d", n, got, want)
		}
	}
	if _, ok := (&timeline{deleted: never}).valid(1); ok {
		t.Error("a job without a version is valid")
	}
}

func TestExecutionsOfAScenario(t *testing.T) {
	p := of(scenario{
		last:     4,
		jobs:     []jobPlan{{first: every(1, 3), edits: []version{every(2, 3)}}, {first: every(2)}},
		triggers: []int{1},
	})
	want := []fire{{0, 1, false}, {0, 2, false}, {0, 3, false}, {1, 2, false}, {1, 0, true}}
	if len(p.runs) != len(want) {
		t.Fatalf("%v, want %v", p.runs, want)
	}
	for i := range want {
		if p.runs[i] != want[i] {
			t.Errorf("execution %d is %v, want %v", i, p.runs[i], want[i])
		}
	}
	if i := p.find(1, 2); i != 3 {
		t.Errorf("fire 2 of job 1 is execution %d", i)
	}
}

func TestTableTellsEachStep(t *testing.T) {
	p := of(scenario{last: 3, kills: 1, fails: 1, jobs: []jobPlan{{first: every(1), retries: 1}},
		mutant: mutant{retryInMemory: true}})
	r := explore(p, limit)
	if r.broken == nil {
		t.Fatal("nothing is broken")
	}
	lines := strings.Split(strings.TrimSpace(p.table(r.path)), "\n")
	if len(lines) != 1+len(r.path) {
		t.Errorf("%d lines for %d steps", len(lines), len(r.path))
	}
	for line, want := range map[int]string{0: "what happens", 1: "a tick passes", len(lines) - 1: "W=1"} {
		if !strings.Contains(lines[line], want) {
			t.Errorf("line %d does not say %q: %s", line, want, lines[line])
		}
	}
}
