package view

import (
	"context"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// others are two other nodes; some more do not answer.
type others struct {
	a, b    *source
	missing int
}

func (o *others) Live(_ context.Context, id domain.ExecutionID) (domain.Execution, bool, int) {
	for _, s := range []*source{o.a, o.b} {
		if x, found := s.Live(id); found {
			return x, true, 0
		}
	}
	return domain.Execution{}, false, o.missing
}

func (o *others) LiveList(_ context.Context, q store.ExecutionQuery) ([]store.ExecutionPage, int) {
	return []store.ExecutionPage{o.a.LiveList(q), o.b.LiveList(q)}, o.missing
}

func (o *others) NextFires(ctx context.Context, after domain.FireKey, limit int) ([][]domain.FireKey, int) {
	a, _ := o.a.NextFires(ctx, after, limit)
	b, _ := o.b.NextFires(ctx, after, limit)
	return [][]domain.FireKey{a, b}, o.missing
}

func (o *others) Hosts(context.Context) ([][]Host, int) {
	first := Host{Name: "x", State: "answering", Calls: 2, QuickestMs: 3, LastError: &HostError{"old", 1}}
	second := Host{Name: "x", State: "silent", Calls: 5, QuickestMs: 2, LastError: &HostError{"new", 2}}
	return [][]Host{{first}, {second, {Name: "y"}}}, o.missing
}

func withOthers(t *testing.T) (v *View, here *source, o *others, st store.Store) {
	t.Helper()
	v, here, faulty := newView(t)
	none := func() {}
	o = &others{&source{looked: none}, &source{looked: none}, 0}
	v.others, v.now = o, func() int64 { return 1_000 }
	return v, here, o, faulty
}

// Lists have what runs on all nodes, in order and once, on pages of any size; what is missing is noted.
func TestListsOfAllNodes(t *testing.T) {
	v, here, o, st := withOthers(t)
	want := []int64{}
	for i := int64(20); i > 0; i-- {
		at := i * 1_000
		want = append(want, at)
		switch x := run(at, domain.StatusRunning); i % 4 {
		case 0:
			here.runs = append(here.runs, x)
		case 1:
			o.a.runs = append(o.a.runs, x)
		case 2:
			o.b.runs = append(o.b.runs, x)
			o.a.runs = append(o.a.runs, x) // it moves from one to the other
		default:
			record(t, st, run(at, domain.StatusSuccess))
		}
	}
	for limit := 1; limit < 22; limit++ {
		if got := listAll(t, v, store.ExecutionQuery{Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("limit %d: %v", limit, got)
		}
	}
	partial := 0
	ctx := WithPartial(t.Context(), func() { partial++ })
	for _, missing := range []int{0, 1} {
		o.missing = missing
		if _, err := v.Executions(ctx, store.ExecutionQuery{Limit: 3}); err != nil || partial != missing {
			t.Errorf("%d nodes missing: %v, noted %d", missing, err, partial)
		}
	}
}

// An execution is found wherever it runs, and also while no node carries it out yet.
func TestExecutionOfAnyNode(t *testing.T) {
	v, _, o, st := withOthers(t)
	o.b.runs = []domain.Execution{run(5_000, domain.StatusRunning)}
	if x, err := v.Execution(t.Context(), o.b.runs[0].ID()); err != nil || x.Status != domain.StatusRunning {
		t.Errorf("%+v, %v", x, err)
	}
	waiting := domain.OpenRun{FireKey: domain.FireKey{JobID: domain.JobID{1}, ScheduledAt: 6_000, Nonce: 3}, Version: 2}
	if err := st.Ledger().Record(t.Context(), store.Batch{Open: []domain.OpenRun{waiting}}); err != nil {
		t.Fatal(err)
	}
	x, err := v.Execution(t.Context(), waiting.ID())
	if err != nil || x.Status != domain.StatusPending || x.Version != 2 {
		t.Errorf("%+v, %v", x, err)
	}
	partial := false
	o.missing = 1
	_, err = v.Execution(WithPartial(t.Context(), func() { partial = true }), domain.ExecutionID{9})
	if domain.ErrorCode(err) != domain.CodeNotFound || !partial {
		t.Errorf("an unknown one: %v, noted %v", err, partial)
	}
}

// The next fire of a job of another node is computed, and selects the jobs that are due before an instant.
func TestNextFiresOfOtherNodes(t *testing.T) {
	v, _, _, st := withOthers(t)
	var versions []domain.Version
	for i, schedule := range []string{"*/5 * * * * *", "0 0 0 1 1 *", "*/7 * * * * *", "*/7 * * * * *"} {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = schedule, "http://a.test/", domain.AtLeastOnce
		versions = append(versions, domain.Version{JobID: domain.JobID{byte(i + 2)}, Number: 1, EffectiveFrom: 500,
			EffectiveTo: domain.Forever, Active: i < 2, Spec: spec})
	}
	versions[3].Pause.Until = 20_000
	if err := st.Jobs().Create(t.Context(), versions); err != nil {
		t.Fatal(err)
	}
	j, err := v.Job(t.Context(), versions[0].JobID)
	if err != nil || j.NextFireAt == nil || *j.NextFireAt != 5_000 {
		t.Errorf("%+v, %v", j, err)
	}
	if j, err := v.Job(t.Context(), versions[2].JobID); err != nil || j.NextFireAt != nil {
		t.Errorf("a paused job: %+v, %v", j, err)
	}
	if j, err := v.Job(t.Context(), versions[3].JobID); err != nil || j.NextFireAt == nil || *j.NextFireAt != 21_000 {
		t.Errorf("a job that is paused until 20 s: %+v, %v", j, err)
	}
	page, err := v.JobsOf(t.Context(), store.JobQuery{Limit: 10}, JobsNow{DueBefore: 6_000})
	if err != nil || len(page.Jobs) != 1 || page.Jobs[0].ID != versions[0].JobID {
		t.Errorf("%+v, %v", page, err)
	}
	page, err = v.JobsOf(t.Context(), store.JobQuery{Limit: 10, CountOnly: true},
		JobsNow{DueBefore: domain.Forever})
	if err != nil || page.Count != 3 {
		t.Errorf("%+v, %v", page, err)
	}
	v.others = nil // of one node the engine knows every next fire
	if j, err := v.Job(t.Context(), versions[0].JobID); err != nil || j.NextFireAt != nil {
		t.Errorf("%+v, %v", j, err)
	}
}

// Which jobs never ran is looked up where no node of this process tells, with others that are not due.
func TestJobsThatNeverRan(t *testing.T) {
	v, live, _, st := withOthers(t)
	var versions []domain.Version
	for i := range byte(5) {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = "* * * * * *", "http://a.test/", domain.AtLeastOnce
		if i == 4 {
			spec.Schedule = "0 0 0 1 1 *"
		}
		versions = append(versions, domain.Version{JobID: domain.JobID{i + 2}, Number: 1, EffectiveFrom: 500,
			EffectiveTo: domain.Forever, Active: true, Spec: spec})
	}
	if err := st.Jobs().Create(t.Context(), versions); err != nil {
		t.Fatal(err)
	}
	record(t, st, domain.Execution{FireKey: domain.FireKey{JobID: versions[1].JobID, ScheduledAt: 3_000}, Version: 1,
		Status: domain.StatusFailed, CompletedAt: 3_001})
	live.fired = map[domain.JobID]bool{versions[3].JobID: true} // and its record is not kept any more
	for _, c := range []struct {
		never bool
		due   int64
		want  []byte
	}{{true, 0, []byte{2, 4, 6}}, {false, 0, []byte{3, 5}}, {true, 6_000, []byte{2, 4}}} {
		var got []byte
		for q := (store.JobQuery{Limit: 1}); ; {
			page, err := v.JobsOf(t.Context(), q, JobsNow{NeverRan: &c.never, DueBefore: c.due})
			if err != nil || len(page.Jobs) > 1 || len(got) > 9 {
				t.Fatalf("%+v: %+v, %v", c, page, err)
			}
			for _, j := range page.Jobs {
				got = append(got, j.ID[0])
			}
			if q.After = page.Next; q.After.IsZero() {
				break
			}
		}
		page, err := v.JobsOf(t.Context(), store.JobQuery{CountOnly: true},
			JobsNow{NeverRan: &c.never, DueBefore: c.due})
		if err != nil || page.Count != len(c.want) || len(page.Jobs) != 0 || !slices.Equal(got, c.want) {
			t.Errorf("%+v: %v, counted %d, %v", c, got, page.Count, err)
		}
	}
}

// Whether a job has had a fire long enough ago does not depend on whose timetable has it: where the record is not
// kept any more, each node tells the same of each job.
func TestAllNodesTellWhichJobsNeverRan(t *testing.T) {
	v, live, _, st := withOthers(t)
	const now = 100 * 3_600_000
	v.now = func() int64 { return now }
	var versions []domain.Version
	for i, c := range []struct {
		schedule string
		from     int64
		active   bool
	}{
		{"0 0 * * * *", 500, true},
		{"0 0 * * * *", 500, false},
		{"0 0 * * * *", now - 3_600_000, true},     // the latest of its fires that counts is an hour ago
		{"0 0 * * * *", now - 3_600_000 + 1, true}, // and this one's is now
		{"0 0 0 1 1 *", 500, true},
	} {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = c.schedule, "http://a.test/", domain.AtLeastOnce
		versions = append(versions, domain.Version{JobID: domain.JobID{byte(i + 2)}, Number: 1, EffectiveFrom: c.from,
			EffectiveTo: domain.Forever, Active: c.active, Spec: spec})
	}
	if err := st.Jobs().Create(t.Context(), versions); err != nil {
		t.Fatal(err)
	}
	for owner := range byte(2) {
		if owner == 1 { // this node's timetable has them
			live.fired = map[domain.JobID]bool{{2}: true, {4}: true}
		}
		for never, want := range map[bool][]byte{true: {3, 5, 6}, false: {2, 4}} {
			page, err := v.JobsOf(t.Context(), store.JobQuery{Limit: 10}, JobsNow{NeverRan: &never})
			var got []byte
			for _, j := range page.Jobs {
				got = append(got, j.ID[0])
			}
			if err != nil || !slices.Equal(got, want) {
				t.Errorf("owner %d, never %v: %v, %v", owner, never, got, err)
			}
		}
	}
}

// A host that several nodes call is there once.
func TestHostsOfAllNodes(t *testing.T) {
	v, _, o, _ := withOthers(t)
	v.hosts = someHosts{{Name: "x", State: HostIdle, Calls: 1}}
	o.missing = 1
	partial := false
	found, total := v.Hosts(WithPartial(t.Context(), func() { partial = true }), HostQuery{Limit: 10})
	if total != 2 || found[0].Name != "x" || found[0].Calls != 8 || found[0].State != "silent" ||
		found[0].QuickestMs != 2 || found[0].LastError.Text != "new" || !partial {
		t.Errorf("%+v, noted %v", found, partial)
	}
}
