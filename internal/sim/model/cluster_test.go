package model

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"
)

var clusterScenarios = []clusterScenario{
	{name: "takeover", last: 2, crashes: 1, faults: 1, longCalls: true, job: jobPlan{first: every(1, 2)}},
	{name: "two takeovers", last: 1, crashes: 2, longCalls: true, job: jobPlan{first: every(1)}},
	{name: "takeover at most once", last: 2, crashes: 1, longCalls: true, job: jobPlan{once: true, first: every(1, 2)}},
	{name: "takeover, skip", last: 2, crashes: 1, job: jobPlan{skip: true, first: every(1, 2)}},
	{name: "hand-over", last: 2, releases: 1, crashes: 1, longCalls: true, job: jobPlan{first: every(1, 2)}},
	{name: "hand-over there and back", last: 2, releases: 2, longCalls: true, job: jobPlan{first: every(1, 2)}},
	{name: "hand-over at most once", last: 2, releases: 1, crashes: 1, longCalls: true,
		job: jobPlan{once: true, first: every(1, 2)}},
	{name: "edit by another node", last: 3, job: jobPlan{first: every(1, 2), edits: []version{every(2, 3)}}},
	{name: "edit by another node, crash", last: 2, crashes: 1, faults: 1,
		job: jobPlan{first: every(1, 2), edits: []version{every(2)}}},
	{name: "create by another node", last: 3, faults: 1, job: jobPlan{create: true, first: every(1, 3)}},
	{name: "create by another node, crash", last: 2, crashes: 1, job: jobPlan{create: true, first: every(1, 2)}},
	{name: "pause by another node", last: 3, faults: 1, job: jobPlan{first: every(1, 2), edits: []version{paused}}},
	{name: "pause by another node, crash", last: 2, crashes: 1,
		job: jobPlan{first: every(1), edits: []version{paused}}},
	{name: "pause and resume by another node", last: 3,
		job: jobPlan{first: every(1), edits: []version{paused, every(3)}}},
	{name: "edit by the owner", last: 3, byOwner: true, job: jobPlan{first: every(1, 2), edits: []version{every(3)}}},
	{name: "pause by the owner", last: 2, crashes: 1, releases: 1, byOwner: true,
		job: jobPlan{first: every(1, 2), edits: []version{paused}}},
	{name: "lost commit", last: 2, losses: 1, longCalls: true, job: jobPlan{first: every(1, 2)}},
	{name: "lost commits and a crash", last: 1, losses: 1, lags: true, crashes: 1, longCalls: true,
		job: jobPlan{first: every(1)}},
	{name: "lost commits and a pause", last: 1, losses: 1, lags: true,
		job: jobPlan{first: every(1), edits: []version{paused}}},
	{name: "lost commit and an edit", last: 2, losses: 1, job: jobPlan{first: every(1), edits: []version{every(2)}}},
	{name: "lost commit and a creation", last: 2, losses: 1, job: jobPlan{create: true, first: every(1, 2)}},
	{name: "clocks that differ", last: 3, skew: [maxNodes]tick{2, -1},
		job: jobPlan{first: every(1, 2), edits: []version{every(3)}}},
	{name: "clocks that differ, create", last: 3, skew: [maxNodes]tick{2, -1},
		job: jobPlan{create: true, first: every(1, 2, 3)}},
	{name: "the clock of the database is set", last: 2, steps: 2, stepTo: 3,
		job: jobPlan{first: every(1, 2), edits: []version{paused}}},
	{name: "another shard's owner is fast", last: 2, crashes: 1, others: 2, job: jobPlan{first: every(1, 2)}},
}

// clusterEvents are the steps of this machine, each of which some scenario takes.
var clusterEvents = []string{
	"a tick passes", "the clock of the database is set", "claims the shard: node", "recovers the shard: node",
	"has lost the shard: node", "node 0 sends fire", "node 1 sends fire", "decides not to send fire",
	"takes over the open run of fire", "an open run is written of fire", "commits results: node", "beats: node",
	"beats, and does not hear of it: node", "inserts its facts and open runs again: node", "sends nothing more: node",
	"writes open runs, and releases the shard: node", "a node that does not own the shard stores edit",
	"the pause is answered", "the owner stores edit", "kill -9: node",
	"the database fails over, without its last commit",
}

// TestCluster explores every scenario of two nodes: no law is broken, in any state.
func TestCluster(t *testing.T) {
	var (
		mu    sync.Mutex
		total int
		taken = map[string]int{}
	)
	t.Run("scenario", func(t *testing.T) {
		for _, sc := range clusterScenarios {
			t.Run(sc.name, func(t *testing.T) {
				t.Parallel()
				r := checkCluster(t, sc)
				mu.Lock()
				defer mu.Unlock()
				total += r.states
				for name, n := range r.taken {
					taken[name] += n
				}
			})
		}
	})
	t.Logf("%d states in all", total)
	for _, name := range clusterEvents {
		if exhaustive && taken[name] == 0 {
			t.Errorf("%q happens nowhere", name)
		}
	}
}

func checkCluster(t *testing.T, sc clusterScenario) report {
	t.Helper()
	p, start := &cluster{clusterScenario: sc}, time.Now()
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

// table shows a path, a step a line.
func (p *cluster) table(path []choice) string {
	var b strings.Builder
	n := 0
	replay(p, path, func(st step, s *clusterState) {
		n++
		db := &s.db
		clock := fmt.Sprint(s.now)
		if s.offset != 0 {
			clock += fmt.Sprintf(" (%d)", s.databaseClock())
		}
		fmt.Fprintf(&b, "%4d  %-60s at %-6s owner %d epoch %d H=%d W=%d rev=%d applied=%d %v", n, st, clock,
			db.owner, db.epoch,
			db.horizon, db.watermark, db.rev, db.applied, db.edits.from[:db.edits.versions])
		for f := 1; f <= int(p.last); f++ {
			fmt.Fprintf(&b, "  %d:[%s", f, outcomeNames[db.fact[f]])
			if db.runner[f] != 0 {
				fmt.Fprintf(&b, " open by %d", db.runner[f])
			}
			b.WriteString("]")
			for i := range s.nodes {
				fmt.Fprintf(&b, "%s ", whereNames[s.nodes[i].runs[f]])
			}
			if s.past[f].sent {
				b.WriteString("sent")
			}
		}
		b.WriteString("\n")
	})
	return b.String()
}

var whereNames = [...]string{"-", "in flight", "in flight, open", "decided", "again", "known", "recorded", "judged"}
