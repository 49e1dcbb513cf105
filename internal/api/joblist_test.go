package api

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// listed are three jobs that each filter of GET /jobs tells apart.
func listed(t *testing.T) (f *fixture, h withKey, ids []string) {
	t.Helper()
	f = newFixture(t)
	h = withKey{newAPI(t, f, func(c *Config) { c.Keys = ring(t, f, key1) }), key1}
	for _, fields := range []string{
		`"name":"Nightly","api":"https://API.example.com/x","tags":["eu"]`,
		`"name":"nightly","api":"http://api.example.com:8080/y"`,
		`"name":"Nightly run","api":"https://other.example.com/z","tags":["eu"]`,
	} {
		ids = append(ids, create(t, h, laidOver(fields)))
	}
	f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, ids[1]), ScheduledAt: base}, Version: 1,
		Status: domain.StatusFailed, CompletedAt: base + 1})
	return f, h, ids
}

func TestListJobsByWhatTheyAre(t *testing.T) {
	_, h, ids := listed(t)
	for query, want := range map[string][]int{
		"name=Nightly": {0}, "name=%20Nightly%20": {0}, "name=Night": nil,
		"host=api.example.com": {0, 1}, "host=api.example.com:8080": {1}, "host=https://api.example.com": {0},
		"host=example.com": nil, "failing=true": {1}, "failing=false": {0, 2}, "failing=true&tag=eu": nil,
		"sort=id": {0, 1, 2}, "sort=-id": {2, 1, 0}, "sort=-id&tag=eu": {2, 0}, "sort=-id&limit=1": {2, 1, 0},
		"host=api.example.com&name=nightly&failing=true&text=8080": {1},
	} {
		var expected []string
		for _, i := range want {
			expected = append(expected, ids[i])
		}
		if got := walk(t, h, "/jobs?"+query, "jobs", "id"); !slices.Equal(got, expected) {
			t.Errorf("%s: got %v, want %v", query, got, expected)
		}
	}
	for query, want := range map[string]int{"": 3, "&failing=true": 1, "&tag=eu&limit=1": 2, "&name=x": 0,
		"&sort=-id": 3} {
		var b jobsBody
		call(t, h, "GET", "/jobs?count=true"+query, "").into(t, 200, &b)
		if b.Count == nil || *b.Count != want || len(b.Jobs) != 0 || b.NextCursor != "" {
			t.Errorf("count of %q: %+v, want %d", query, b, want)
		}
	}
	var b jobsBody
	if call(t, h, "GET", "/jobs?count=false", "").into(t, 200, &b); b.Count != nil || len(b.Jobs) != 3 {
		t.Errorf("count=false: %+v", b)
	}
}

// TestExportByWhatJobsAre: an export takes the filters of the list.
func TestExportByWhatJobsAre(t *testing.T) {
	_, h, _ := listed(t)
	for query, want := range map[string]int{"name=Nightly": 1, "host=api.example.com": 2, "failing=true": 1} {
		if got := strings.Count(call(t, h, "GET", "/jobs/export?"+query, "").text, "\n"); got != want {
			t.Errorf("%s: %d lines, want %d", query, got, want)
		}
	}
}

// TestConfinedCountsOfItsOwn: a count tells a confined caller nothing of other namespaces.
func TestConfinedCountsOfItsOwn(t *testing.T) {
	w := newTenants(t)
	for query, want := range map[string]int{"": 1, "&isActive=true": 1, "&namespace=billing": 1} {
		var b jobsBody
		call(t, w.billing, "GET", "/jobs?count=true"+query, "").into(t, 200, &b)
		if b.Count == nil || *b.Count != want {
			t.Errorf("%q: %+v, want %d", query, b, want)
		}
	}
	call(t, w.billing, "GET", "/jobs?count=true&namespace=default", "").problem(t, 403)
}

// TestALargeLimitIsCut: what is above the most is the most, in every list.
func TestALargeLimitIsCut(t *testing.T) {
	f, h, ids := listed(t)
	f.hosts = someHosts()
	for i := range int64(maxLimit + 5) {
		f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, ids[0]), ScheduledAt: base + i*1000},
			Status: domain.StatusSuccess, Version: 1})
	}
	for _, limit := range []string{"1000", "1001", "5000000000", "9007199254740991"} {
		for _, path := range []string{"/jobs", "/audit/changes", "/hosts", "/observability/alerts",
			"/observability/executions/failed"} {
			if res := call(t, h, "GET", path+"?limit="+limit, ""); res.StatusCode != 200 {
				t.Errorf("%s?limit=%s: %d", path, limit, res.StatusCode)
			}
		}
		for _, path := range []string{"/observability/executions/recent"} {
			var b executionsBody
			call(t, h, "GET", fmt.Sprintf("%s?limit=%s", path, limit), "").into(t, 200, &b)
			if len(b.Executions) != maxLimit || b.NextCursor == "" {
				t.Errorf("%s?limit=%s: %d entries, next %q", path, limit, len(b.Executions), b.NextCursor)
			}
		}
	}
}

// TestLastExecutions: with include=lastExecution each job of a list has its newest execution that has
// ended, also after an edit and a pause, and the documents are taken back.
func TestLastExecutions(t *testing.T) {
	f, h, ids := listed(t)
	key := func(i int, at int64) domain.FireKey {
		return domain.FireKey{JobID: jobID(t, ids[i]), ScheduledAt: base + at}
	}
	newest := domain.Execution{FireKey: key(1, 9_000), Version: 1, Status: domain.StatusSuccess,
		StartedAt: base + 9_001, CompletedAt: base + 9_002, HTTPStatus: 200}
	f.record(t, newest, domain.Execution{FireKey: key(0, 5_000), Version: 1, Status: domain.StatusMissed,
		CompletedAt: base + 5_001})
	before := f.store.Count("History.Last").Calls
	list := func(query string) map[string]string {
		t.Helper()
		got := map[string]string{}
		var b struct {
			Jobs       []object
			NextCursor string
		}
		for cursor := ""; ; cursor = "&cursor=" + b.NextCursor {
			b.Jobs, b.NextCursor = nil, ""
			call(t, h, "GET", "/jobs?"+query+cursor, "").into(t, 200, &b)
			for _, j := range b.Jobs {
				got[j["id"].(string)] = "none"
				if e, ok := j["lastExecution"].(object); ok {
					got[j["id"].(string)] = e["status"].(string)
				}
			}
			if b.NextCursor == "" {
				return got
			}
		}
	}
	want := map[string]string{ids[0]: "MISSED", ids[1]: "SUCCESS", ids[2]: "none"}
	for _, query := range []string{"include=lastExecution", "include=lastExecution&limit=1",
		"include=lastExecution&sort=-id"} {
		if got := list(query); !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", query, got, want)
		}
	}
	if n := f.store.Count("History.Last").Calls - before; n != 5 {
		t.Errorf("%d calls for 5 pages", n)
	}
	call(t, h, "POST", "/jobs/"+ids[1]+"/pause", "").into(t, 200, &struct{}{})
	if got := list("include=lastExecution&isActive=false"); !maps.Equal(got, map[string]string{ids[1]: "SUCCESS"}) {
		t.Errorf("of a paused job: %v", got)
	}
	if got := list("name=Nightly"); !maps.Equal(got, map[string]string{ids[0]: "none"}) {
		t.Errorf("without include: %v", got)
	}
	var b jobsBody
	call(t, h, "GET", "/jobs?include=lastExecution&failing=false&name=nightly", "").into(t, 200, &b)
	if len(b.Jobs) != 1 || b.Jobs[0].LastExecution.ID != newest.ID().String() {
		t.Fatalf("%+v", b)
	}
	call(t, h, "PUT", "/jobs/"+ids[1], asJSON(b.Jobs[0])).into(t, 200, &struct{}{})
	f.store.Add(faulty.Rule{Method: "History.Last"})
	call(t, h, "GET", "/jobs?include=lastExecution", "").problem(t, 503)
	call(t, h, "GET", "/jobs?include=body", "").problem(t, 400)
}

// TestAPageEndsByItsExecutions: what is said of the last executions counts among the bytes of a page.
func TestAPageEndsByItsExecutions(t *testing.T) {
	var page view.JobPage
	executions := map[domain.JobID]domain.Execution{}
	for i := range byte(10) {
		id := domain.JobID{i + 1}
		page.Jobs = append(page.Jobs, view.Job{Job: domain.Job{ID: id}})
		executions[id] = domain.Execution{Error: strings.Repeat("x", pageBytes/4)}
	}
	whole := page
	if bytes := cutJobs(&page, executions); len(page.Jobs) != 4 || page.Next != page.Jobs[3].ID || bytes > 2*pageBytes {
		t.Errorf("%d jobs of %d bytes, next %v", len(page.Jobs), bytes, page.Next)
	}
	if cutJobs(&whole, nil); len(whole.Jobs) != 10 || !whole.Next.IsZero() {
		t.Errorf("without executions %d jobs, next %v", len(whole.Jobs), whole.Next)
	}
}

// TestJobsDueBefore: the filter by the next fire is exact, together with others, and counted.
func TestJobsDueBefore(t *testing.T) {
	h := newAPI(t, newFixture(t))
	var ids []string
	for _, fields := range []string{`"schedule":"0 */5 * * * *"`, `"schedule":"0 0 0 2 1 *","tags":["x"]`,
		`"schedule":"0 */5 * * * *","isActive":false`, `"schedule":"0 0 12 * * *","tags":["x"]`} {
		ids = append(ids, create(t, h, laidOver(fields)))
	}
	for query, want := range map[string][]int{
		"nextFireBefore=2026-01-01T00:05:00Z":                  nil, // exclusive
		"nextFireBefore=1767225900001":                         {0},
		"nextFireBefore=2026-01-01T12:00:01Z":                  {0, 3},
		"nextFireBefore=2026-01-03T00:00:00Z&sort=-id&limit=1": {3, 1, 0},
		"nextFireBefore=2026-01-03T00:00:00Z&tag=x":            {1, 3},
		"nextFireBefore=2026-01-03T00:00:00Z&isActive=false":   nil,
		"nextFireBefore=2000-01-01T00:00:00Z":                  nil,
	} {
		var expected []string
		for _, i := range want {
			expected = append(expected, ids[i])
		}
		if got := walk(t, h, "/jobs?"+query, "jobs", "id"); !slices.Equal(got, expected) {
			t.Errorf("%s: got %v, want %v", query, got, expected)
		}
		var b jobsBody
		if call(t, h, "GET", "/jobs?count=true&"+query, "").into(t, 200, &b); *b.Count != len(want) {
			t.Errorf("%s: counted %d, want %d", query, *b.Count, len(want))
		}
	}
	for query, field := range map[string]string{"nextFireBefore=x": "nextFireBefore", "sort=failures": "sort"} {
		if p := call(t, h, "GET", "/jobs?"+query, "").problem(t, 400); !slices.Equal(p.fields(), []string{field}) {
			t.Errorf("%s names %v", query, p.fields())
		}
	}
}

// TestJobsInOtherOrders: each order has every job that may be seen, once, on pages of any size, and its cursors
// are of no other order.
func TestJobsInOtherOrders(t *testing.T) {
	f, h, ids := listed(t) // the second one has failed
	f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, ids[2]), ScheduledAt: base + 7}, Version: 1,
		Status: domain.StatusSuccess, CompletedAt: base + 8})
	rare := create(t, h, laidOver(`"schedule":"0 0 0 2 1 *","name":"rare"`))
	soon := create(t, h, laidOver(`"schedule":"* * * * * *","isActive":false`))
	ids = append(ids, rare, soon)
	for query, want := range map[string][]int{
		"sort=name&isActive=true&tag=eu": {0, 2}, "sort=-name&name=rare": {3},
		"sort=-failures": {1, 0, 2, 3, 4}, "sort=-failures&failing=true": {1}, "sort=-failures&tag=eu": {0, 2},
		"sort=nextFireAt&name=rare": {3}, "sort=nextFireAt&isActive=false": {4},
		"sort=-lastFireAt": {2, 1, 0, 3, 4}, "sort=-lastFireAt&neverRan=true": {0, 3, 4},
		"sort=-lastFireAt&include=lastExecution&isActive=true": {2, 1, 0, 3},
	} {
		var expected []string
		for _, i := range want {
			expected = append(expected, ids[i])
		}
		for _, limit := range []string{"", "&limit=1", "&limit=2"} {
			if got := walk(t, h, "/jobs?"+query+limit, "jobs", "id"); !slices.Equal(got, expected) {
				t.Errorf("%s%s: got %v, want %v", query, limit, got, expected)
			}
		}
	}
	got := walk(t, h, "/jobs?sort=nextFireAt&limit=1", "jobs", "id")
	first := slices.Clone(got[:3])
	slices.Sort(first) // they fire at the same second: in the order of their ids
	if !slices.Equal(got, append(first, rare, soon)) {
		t.Errorf("by next fire: %v", got)
	}
	var b jobsBody
	if call(t, h, "GET", "/jobs?count=true&sort=nextFireAt", "").into(t, 200, &b); b.Count == nil || *b.Count != 5 {
		t.Errorf("%+v", b)
	}
	call(t, h, "GET", "/jobs?sort=nextFireAt&limit=1", "").into(t, 200, &b)
	for _, sort := range []string{"id", "name", "-failures", "-lastFireAt"} {
		p := call(t, h, "GET", "/jobs?sort="+sort+"&cursor="+b.NextCursor, "").problem(t, 400)
		if !slices.Equal(p.fields(), []string{"cursor"}) {
			t.Errorf("%s takes the cursor of another order: %v", sort, p.fields())
		}
	}
}

// TestJobsByName: in both directions, on pages of any size, with what is sifted and with the last executions; jobs
// without a name come last.
func TestJobsByName(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	var ids []string
	for _, name := range []string{"delta", "", "Alpha", "émile", "charlie", "alpha", "Émile", ""} {
		ids = append(ids, create(t, h, laidOver(`"schedule":"0 0 0 2 1 *","name":"`+name+`","tags":["all"]`)))
	}
	f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, ids[4]), ScheduledAt: base + 7}, Version: 1,
		Status: domain.StatusSuccess, CompletedAt: base + 8})
	for query, want := range map[string][]int{
		"sort=name": {2, 5, 4, 0, 6, 3, 1, 7}, "sort=-name": {3, 6, 0, 4, 5, 2, 7, 1},
		"sort=name&neverRan=true": {2, 5, 0, 6, 3, 1, 7}, "sort=-name&neverRan=false": {4},
		"sort=-name&include=lastExecution&tag=all":           {3, 6, 0, 4, 5, 2, 7, 1},
		"sort=name&text=ALPHA":                               {2, 5},
		"sort=-name&nextFireBefore=2027-01-01T00:00:00.000Z": {3, 6, 0, 4, 5, 2, 7, 1},
	} {
		var expected []string
		for _, i := range want {
			expected = append(expected, ids[i])
		}
		for _, limit := range []string{"", "&limit=1", "&limit=3"} {
			if got := walk(t, h, "/jobs?"+query+limit, "jobs", "id"); !slices.Equal(got, expected) {
				t.Errorf("%s%s: got %v, want %v", query, limit, got, expected)
			}
		}
	}
	var b jobsBody
	if call(t, h, "GET", "/jobs?count=true&sort=-name", "").into(t, 200, &b); b.Count == nil || *b.Count != 8 {
		t.Errorf("%+v", b)
	}
}

// TestOrdersOfConfinedKeys: a confined key sees its own jobs, and cursors name no other.
func TestOrdersOfConfinedKeys(t *testing.T) {
	w := newTenants(t)
	w.record(t, w.ours, base-100_000, 1)
	w.record(t, w.theirs, base-50_000, 2)
	for _, sort := range []string{"-failures", "nextFireAt", "-lastFireAt", "name", "-name"} {
		for _, limit := range []string{"1", "50"} {
			got := walk(t, w.billing, "/jobs?limit="+limit+"&sort="+sort, "jobs", "id")
			if !slices.Equal(got, []string{w.ours}) {
				t.Errorf("%s, limit %s: %v", sort, limit, got)
			}
		}
	}
}

// TestJobsThatNeverRan: the filter goes by the record, and by the schedule where that tells, together with
// others, in pages and counted.
func TestJobsThatNeverRan(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	var ids []string
	for _, fields := range []string{`"schedule":"0 */5 * * * *"`, `"schedule":"0 0 0 2 1 *","tags":["x"]`,
		`"schedule":"0 */5 * * * *","isActive":false`, `"schedule":"0 0 0 2 1 *","isActive":false,"tags":["x"]`} {
		ids = append(ids, create(t, h, laidOver(fields)))
	}
	expect := func(query string, want ...int) {
		t.Helper()
		var expected []string
		for _, i := range want {
			expected = append(expected, ids[i])
		}
		for _, limit := range []string{"", "&limit=1"} {
			if got := walk(t, h, "/jobs?"+query+limit, "jobs", "id"); !slices.Equal(got, expected) {
				t.Errorf("%s%s: got %v, want %v", query, limit, got, expected)
			}
		}
		var b jobsBody
		if call(t, h, "GET", "/jobs?count=true&"+query, "").into(t, 200, &b); *b.Count != len(want) ||
			len(b.Jobs) != 0 || b.NextCursor != "" {
			t.Errorf("count of %s: %+v, want %d", query, b, len(want))
		}
	}
	expect("neverRan=true", 0, 1, 2, 3)
	expect("neverRan=false")
	f.record(t, domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, ids[1]), ScheduledAt: base + 1, Nonce: 7},
		Version: 1, Status: domain.StatusFailed, CompletedAt: base + 2},
		domain.Execution{FireKey: domain.FireKey{JobID: jobID(t, ids[3]), ScheduledAt: base + 1, Nonce: 7},
			Version: 1, Status: domain.StatusSuccess, CompletedAt: base + 2})
	expect("neverRan=true", 0, 2) // the others were triggered
	expect("neverRan=true&sort=-id", 2, 0)
	expect("neverRan=false&tag=x", 1, 3)
	expect("neverRan=true&nextFireBefore=2026-01-01T00:10:00Z", 0)
	expect("neverRan=false&isActive=true", 1)
	before := f.store.Count("History.Last").Calls
	f.clock.step(2 * time.Hour) // no engine loop runs: nothing is on record, but the schedule tells
	expect("neverRan=true&isActive=true")
	expect("neverRan=false&isActive=true", 0, 1)
	if f.store.Count("History.Last").Calls == before {
		t.Error("the record was not asked")
	}
	f.store.Add(faulty.Rule{Method: "History.Last"})
	call(t, h, "GET", "/jobs?neverRan=true", "").problem(t, 503)
	if p := call(t, h, "GET", "/jobs?neverRan=x", "").problem(t, 400); !slices.Equal(p.fields(), []string{"neverRan"}) {
		t.Errorf("names %v", p.fields())
	}
}
