package e2e

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// TestOperationsSurviveKills: a server is killed in the midst of operations on thousands of
// jobs, twice. They end after the last start, and each job was triggered and changed
// once: so say the counts, the executions, the audit trail, and what the target has received.
func TestOperationsSurviveKills(t *testing.T) {
	t.Parallel()
	const jobs = 3_000
	tg, dir := newTarget(t), t.TempDir()
	p := serve(t, dir)
	lines := strings.ReplaceAll(everySecond(jobs, tg.url+"/ok"), "* * * * * *", "0 0 1 1 *")
	p.importJobs(lines)
	other := p.importJobs(everySecondOf("other", tg.url+"/ok"))[0]
	begin := func(b client.Bulk) string {
		t.Helper()
		began, err := p.api.Jobs.Bulk(t.Context(), b)
		if err != nil {
			t.Fatal(err)
		}
		return began.ID
	}
	of := client.JobFilter{Text: "load "}
	run := begin(client.Bulk{Action: client.Trigger, Filter: of})
	tag := begin(client.Bulk{Action: client.Tag, AddTags: []string{"seen"}, Filter: of})
	// They take turns: when a step of one is on record, the next step of the other is under way.
	cut := 0
	for _, id := range []string{tag, run} {
		before := p.operation(id)
		for now := before; now.Counts.Done == before.Counts.Done && !now.Ended(); {
			now = p.operation(id)
		}
		p.kill()
		p = serve(t, dir)
		if p.operation(run).Counts.Done < jobs {
			cut++
		}
	}
	if cut == 0 {
		t.Error("the operation was not cut: it is too small")
	}
	for _, id := range []string{run, tag} {
		eventually(t, "the operation ends", func() bool { o := p.operation(id); return o.Ended() })
		o := p.operation(id)
		if want := (client.OperationCounts{Matched: jobs, Done: jobs}); o.State != "DONE" || o.Counts != want {
			t.Errorf("%+v", o)
		}
		entries := map[string]int{}
		for e, err := range p.api.Trail(t.Context(), client.TrailFilter{Operation: id, PageSize: 1_000}) {
			if err != nil {
				t.Fatal(err)
			}
			entries[e.JobID]++
		}
		if len(entries) != jobs+1 || entries[""] != 1 || most(entries) != 1 { // one is about the operation itself
			t.Errorf("%d jobs have entries, one has %d", len(entries)-1, most(entries))
		}
	}
	p.checkTriggeredOnce(tg, jobs, other)
}

func most(counts map[string]int) (n int) {
	for _, c := range counts {
		n = max(n, c)
	}
	return n
}

func everySecondOf(name, api string) string {
	return strings.ReplaceAll(everySecond(1, api), "load 0", name)
}

func (p *process) operation(id string) client.Operation {
	p.t.Helper()
	o, err := p.api.Operations.Get(p.t.Context(), id)
	if err != nil {
		p.t.Fatal(err)
	}
	return o
}

// checkTriggeredOnce checks that each of so many jobs has one execution, which the target knows,
// and that all of them have the tag, but for one job that was not meant.
func (p *process) checkTriggeredOnce(tg *target, jobs int, other string) {
	p.t.Helper()
	manual := true
	executions, ids := map[string]int{}, map[string]bool{}
	eventually(p.t, "the executions end", func() bool {
		clear(executions)
		filter := client.ExecutionFilter{Manual: &manual, PageSize: 1_000}
		for x, err := range p.api.Executions.List(p.t.Context(), filter) {
			if err != nil {
				p.t.Fatal(err)
			}
			executions[x.JobID]++
			ids[x.ID] = x.Status == "SUCCESS"
		}
		for _, ended := range ids {
			if !ended {
				return false
			}
		}
		return true
	})
	if len(executions) != jobs || most(executions) != 1 || executions[other] != 0 {
		p.t.Errorf("%d jobs have executions, one has %d", len(executions), most(executions))
	}
	n, err := p.api.Jobs.Count(p.t.Context(), client.JobFilter{Tag: "seen"})
	if err != nil || n != jobs {
		p.t.Errorf("%d jobs have the tag, %v", n, err)
	}
	tg.stop() // its log is complete then
	received := map[string]bool{}
	for _, e := range tg.entries(p.t) {
		if ids[e.ExecutionID.String()] {
			received[e.JobID.String()] = true
		} else if e.JobID.String() != other {
			p.t.Fatalf("the target has received %+v, which is no execution", e)
		}
	}
	if len(received) != jobs {
		p.t.Errorf("the target has received calls of %d jobs", len(received))
	}
}
