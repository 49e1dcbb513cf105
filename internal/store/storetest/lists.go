package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var listCases = []testCase{
	{"List pages in the order of ids", listPages},
	{"List filters by active, tag and text", listFilters},
	{"List filters by name and host", listNameHost},
	{"List filters by ids", listIDs},
	{"List tells failing jobs from others", listFailing},
	{"List of the newest first pages backwards", listDescending},
	{"List ends a page early when it has examined enough, and leads on", listWork},
	{"List counts what it selects", listCounts},
	{"List selects by what the caller knows", listAccept},
	{"List follows a job through its changes", listFollows},
}

func listPages(t *testing.T, f *fixture) {
	var want []domain.JobID
	for _, n := range []int{5, 3, 1, 4, 2} {
		f.create(t, version(n))
		want = append(want, jobID(len(want)+1))
	}
	var got []domain.JobID
	for q := (store.JobQuery{Limit: 2}); ; {
		page := must(f.Jobs().List(t.Context(), q))(t)
		for _, job := range page.Jobs {
			got = append(got, job.ID)
		}
		if page.Next.IsZero() {
			break
		}
		q.After = page.Next
	}
	equal(t, got, want)
}

func listFilters(t *testing.T, f *fixture) {
	paused := version(1)
	paused.Active, paused.Spec.Name = false, "Nightly 100% BILLING_run"
	tagged := version(2)
	tagged.Spec.Tags, tagged.Spec.API = []string{"eu", `odd " tag`}, "http://host/Path"
	tagged.Spec.Namespace = "team-7"
	plain := version(3)
	plain.Spec.Name = "Äpfel ΣΊΣΥΦΟΣ Отчёт ẞ"
	ends, reason := version(4), version(5)
	ends.Active, ends.Pause = false, domain.Pause{Reason: "x", Until: noon}
	ends.Spec.Name, ends.Spec.API, ends.Spec.Namespace = "b", "ftp", "pauses"
	reason.Active, reason.Pause = false, domain.Pause{Reason: `"pause":{"until":1}`}
	reason.Spec.Name, reason.Spec.API, reason.Spec.Namespace = "a", "ftp", "pauses"
	f.create(t, paused, tagged, plain, ends, reason)
	yes, no := true, false
	id := strings.ToUpper(jobID(3).String())
	for _, c := range []struct {
		name string
		q    store.JobQuery
		want []int
	}{
		{"all", store.JobQuery{}, []int{1, 2, 3, 4, 5}},
		{"active", store.JobQuery{Active: &yes}, []int{2, 3}},
		{"paused", store.JobQuery{Active: &no}, []int{1, 4, 5}},
		{"that have fires", store.JobQuery{Fires: true}, []int{2, 3, 4}},
		{"that have fires, backwards", store.JobQuery{Fires: true, Descending: true}, []int{4, 3, 2}},
		{"that have fires, of ids", store.JobQuery{Fires: true, IDs: []domain.JobID{jobID(1), jobID(2), jobID(4),
			jobID(5)}}, []int{2, 4}},
		{"that have fires, of a namespace", store.JobQuery{Fires: true, Namespace: "pauses"}, []int{4}},
		{"that have fires, of a name", store.JobQuery{Fires: true, Name: "b"}, []int{4}},
		{"that have fires though they are paused", store.JobQuery{Fires: true, Active: &no}, []int{4}},
		{"that have fires, of a page", store.JobQuery{Fires: true, After: jobID(2)}, []int{3, 4}},
		{"that have fires, by name", store.JobQuery{Fires: true, ByName: true, Namespace: "pauses"}, []int{4}},
		{"namespace", store.JobQuery{Namespace: "team-7"}, []int{2}},
		{"the namespace that is not said", store.JobQuery{Namespace: "default"}, []int{1, 3}},
		{"part of a namespace", store.JobQuery{Namespace: "team"}, nil},
		{"all of a namespace together", store.JobQuery{Namespace: "team-7", Active: &yes, Tag: "eu", Text: "host",
			After: jobID(1)}, []int{2}},
		{"after, in a namespace", store.JobQuery{Namespace: "team-7", After: jobID(2)}, nil},
		{"tag", store.JobQuery{Tag: "eu"}, []int{2}},
		{"tag with a quote", store.JobQuery{Tag: `odd " tag`}, []int{2}},
		{"tag is exact", store.JobQuery{Tag: "e"}, nil},
		{"tag keeps its case", store.JobQuery{Tag: "EU"}, nil},
		{"name", store.JobQuery{Text: "billing_RUN"}, []int{1}},
		{"percent is a letter", store.JobQuery{Text: "100%"}, []int{1}},
		{"underscore is a letter", store.JobQuery{Text: "billing?run"}, nil},
		{"api", store.JobQuery{Text: "HOST/path"}, []int{2}},
		{"small letters beyond ASCII", store.JobQuery{Text: "äpfel σίσυφος отчёт ß"}, []int{3}},
		{"capital letters beyond ASCII", store.JobQuery{Text: "ÄPFEL ΣΊΣΥΦΟΣ ОТЧЁТ ẞ"}, []int{3}},
		{"the long s", store.JobQuery{Text: "hoſt/path"}, []int{2}},
		{"an accent is no case", store.JobQuery{Text: "apfel"}, nil},
		{"id", store.JobQuery{Text: id}, []int{3}},
		{"part of an id", store.JobQuery{Text: id[20:]}, []int{3}},
		{"all together", store.JobQuery{Active: &yes, Tag: "eu", Text: "host", After: jobID(1)}, []int{2}},
		{"after", store.JobQuery{Text: "http", After: jobID(1)}, []int{2, 3}},
	} {
		c.q.Limit = 10
		var got []int
		for _, job := range must(f.Jobs().List(t.Context(), c.q))(t).Jobs {
			got = append(got, int(job.ID[15]))
		}
		if fmt.Sprint(got) != fmt.Sprint(c.want) {
			t.Errorf("%s: listed %v, want %v", c.name, got, c.want)
		}
		c.q.CountOnly, c.q.ByName = true, false
		if n := must(f.Jobs().List(t.Context(), c.q))(t).Count; n != len(c.want) {
			t.Errorf("%s: counted %d, want %d", c.name, n, len(c.want))
		}
	}
}

// numbers reads a whole list and returns the jobs' numbers.
func (f *fixture) numbers(t *testing.T, q store.JobQuery) (all []int) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 10
	}
	for {
		page := must(f.Jobs().List(t.Context(), q))(t)
		if page.Count != len(page.Jobs) {
			t.Errorf("%+v: count %d of %d jobs", q, page.Count, len(page.Jobs))
		}
		for _, j := range page.Jobs {
			all = append(all, int(j.ID[14])<<8|int(j.ID[15]))
		}
		if page.Next.IsZero() {
			return all
		}
		if page.Next == q.After {
			t.Fatalf("%+v: the page does not lead on", q)
		}
		q.After = page.Next
	}
}

func (f *fixture) wantNumbers(t *testing.T, name string, q store.JobQuery, want ...int) {
	t.Helper()
	if got := f.numbers(t, q); !slices.Equal(got, want) {
		t.Errorf("%s: listed %v, want %v", name, got, want)
	}
}

func hostOf(t *testing.T, text string) domain.HostFilter {
	t.Helper()
	return must(domain.ParseHostFilter(text))(t)
}

func listNameHost(t *testing.T, f *fixture) {
	a, b, c, d := version(1), version(2), version(3), version(4)
	a.Spec.Name, a.Spec.API = "Nightly", "https://API.example.com/x"
	b.Spec.Name, b.Spec.API = "nightly", "http://api.example.com:8080/y"
	c.Spec.Name, c.Spec.API = "Nightly run", "https://api.example.com:8443?q"
	d.Spec.API, d.Spec.Namespace = "http://[2001:DB8::1]:80/", "team-7"
	f.create(t, a, b, c, d)
	f.wantNumbers(t, "a name", store.JobQuery{Name: "Nightly"}, 1)
	f.wantNumbers(t, "no name has it", store.JobQuery{Name: "Night"})
	for text, want := range map[string][]int{
		"api.example.com": {1, 2, 3}, "API.Example.com": {1, 2, 3}, "api.example.com:443": {1},
		"https://api.example.com": {1, 3}, "http://api.example.com:8080": {2}, "http://api.example.com:8443": nil,
		"example.com": nil, "2001:db8::1": {4}, "[2001:db8::1]:80": {4}, "[2001:db8::1]:81": nil,
	} {
		f.wantNumbers(t, text, store.JobQuery{Host: hostOf(t, text)}, want...)
		f.wantNumbers(t, text+" in the namespace", store.JobQuery{Host: hostOf(t, text), Namespace: "team-7"},
			slices.DeleteFunc(slices.Clone(want), func(n int) bool { return n != 4 })...)
	}
}

func listIDs(t *testing.T, f *fixture) {
	paused := version(3)
	paused.Active = false
	f.create(t, version(1), version(2), paused, version(5))
	yes := true
	ids := []domain.JobID{jobID(5), jobID(3), jobID(4), jobID(1), jobID(3)}
	f.wantNumbers(t, "ids", store.JobQuery{IDs: ids}, 1, 3, 5)
	f.wantNumbers(t, "one at a time", store.JobQuery{IDs: ids, Limit: 1}, 1, 3, 5)
	f.wantNumbers(t, "backwards", store.JobQuery{IDs: ids, Limit: 2, Descending: true}, 5, 3, 1)
	f.wantNumbers(t, "ids that are active", store.JobQuery{IDs: ids, Active: &yes}, 1, 5)
	f.wantNumbers(t, "no ids", store.JobQuery{IDs: []domain.JobID{}})
	f.wantNumbers(t, "after", store.JobQuery{IDs: ids, After: jobID(2)}, 3, 5)
}

func listFailing(t *testing.T, f *fixture) {
	f.create(t, version(1), version(2), version(3), version(4))
	f.record(t, failure(2, noon), failure(3, noon), failure(4, noon))
	f.record(t, success(3, noon+minute))
	ok(t, f.Jobs().Delete(t.Context(), jobID(4), 1, noon+hour))
	yes, no := true, false
	for range 2 {
		f.wantNumbers(t, "failing", store.JobQuery{Failing: &yes}, 2)
		f.wantNumbers(t, "not failing", store.JobQuery{Failing: &no}, 1, 3)
		f.wantNumbers(t, "failing, with a text", store.JobQuery{Failing: &yes, Text: "127.0.0.1"}, 2)
		f.reopen(t)
	}
	f.record(t, failure(1, noon+2*minute), success(2, noon+2*minute))
	f.wantNumbers(t, "another is failing", store.JobQuery{Failing: &yes}, 1)
}

func listDescending(t *testing.T, f *fixture) {
	other := version(3)
	other.Spec.Namespace, other.Spec.Tags = "team-7", []string{"eu"}
	f.create(t, version(1), version(2), other, version(4), version(5))
	for limit := 1; limit < 7; limit++ {
		f.wantNumbers(t, "all", store.JobQuery{Limit: limit, Descending: true}, 5, 4, 3, 2, 1)
	}
	f.wantNumbers(t, "after", store.JobQuery{Descending: true, After: jobID(3)}, 2, 1)
	f.wantNumbers(t, "tag", store.JobQuery{Descending: true, Tag: "eu"}, 3)
	f.wantNumbers(t, "namespace", store.JobQuery{Descending: true, Namespace: "team-7"}, 3)
	f.wantNumbers(t, "text", store.JobQuery{Descending: true, Text: "127.0.0.1", Limit: 2}, 5, 4, 3, 2, 1)
}

// selective are queries that each select jobs 7, 300 and 700 of the thousand of listWork.
func selective() map[string]store.JobQuery {
	no := false
	return map[string]store.JobQuery{
		"text": {Text: "needle"}, "tag": {Tag: "rare"}, "namespace": {Namespace: "team-7"}, "name": {Name: "A needle"},
		"paused": {Active: &no}, "all of them": {Text: "eedl", Tag: "rare", Namespace: "team-7", Active: &no},
		"ids": {IDs: []domain.JobID{jobID(7), jobID(150), jobID(230)}},
	}
}

func listWork(t *testing.T, f *fixture) {
	var all []domain.Version
	for n := 1; n <= 300; n++ {
		v := version(n)
		v.Spec.Name = fmt.Sprintf("job %d", n)
		if n == 7 || n == 150 || n == 230 {
			v.Spec.Name, v.Spec.Tags, v.Spec.Namespace, v.Active = "A needle", []string{"rare"}, "team-7", false
		}
		all = append(all, v)
	}
	f.create(t, all...)
	for name, q := range selective() {
		least := 9
		if name == "text" {
			least = 1 // a page for each job: a store that sorts all jobs for a page takes a while
		}
		for _, work := range []int{least, 50, 0} {
			for _, limit := range []int{1, 10} {
				q.MaxWork, q.Limit, q.Descending = work, limit, false
				f.wantNumbers(t, name, q, 7, 150, 230)
				q.Descending = true
				f.wantNumbers(t, name+", backwards", q, 230, 150, 7)
			}
		}
	}
	q := store.JobQuery{Text: "no job has this", MaxWork: 50, Limit: 10}
	f.wantNumbers(t, "nothing", q)
	if got := f.numbers(t, store.JobQuery{MaxWork: 50, Limit: 10}); len(got) != len(all) {
		t.Errorf("%d jobs, want %d", len(got), len(all))
	}
}

func listCounts(t *testing.T, f *fixture) {
	var all []domain.Version
	for n := 1; n <= 100; n++ {
		v := version(n)
		if n%10 == 0 {
			v.Spec.Tags = []string{"tenth"}
		}
		all = append(all, v)
	}
	f.create(t, all...)
	for _, c := range []struct {
		q    store.JobQuery
		want int
	}{
		{store.JobQuery{Limit: 3}, 100}, {store.JobQuery{Tag: "tenth", Limit: 3}, 10}, {store.JobQuery{Tag: "x"}, 0},
		{store.JobQuery{Tag: "tenth", After: jobID(50)}, 5}, {store.JobQuery{Text: "127.0.0.1", MaxBytes: 1}, 100},
	} {
		c.q.CountOnly = true
		page := must(f.Jobs().List(t.Context(), c.q))(t)
		if page.Count != c.want || len(page.Jobs) != 0 || !page.Next.IsZero() {
			t.Errorf("%+v: counted %d, %d jobs, next %s; want %d", c.q, page.Count, len(page.Jobs), page.Next, c.want)
		}
	}
	sum := 0
	for q := (store.JobQuery{Text: "127.0.0.1", CountOnly: true, MaxWork: 7}); ; {
		page := must(f.Jobs().List(t.Context(), q))(t)
		if sum += page.Count; page.Next.IsZero() {
			break
		}
		q.After = page.Next
	}
	equal(t, sum, 100)
}

// What a list is answered from follows each change, and the end of the process.
func listFollows(t *testing.T, f *fixture) {
	v := version(300)
	v.Spec.Name, v.Spec.Tags = "before", []string{"old"}
	var others []domain.Version
	for n := 1; n < 300; n++ {
		if n != 150 {
			others = append(others, version(n))
		}
	}
	f.create(t, others...)
	f.create(t, v)
	v2 := edit(v, noon+minute, func(v *domain.Version) {
		v.Spec.Name, v.Spec.Tags, v.Spec.API = "after", []string{"new"}, "https://other.example:81/x"
	})
	f.update(t, v2)
	late := version(150) // with an id between those that are there
	late.Spec.Tags = []string{"late"}
	low := version(0) // and below all
	low.Spec.Tags = []string{"low"}
	f.create(t, version(302), version(303))
	f.create(t, late)
	f.create(t, low)
	for range 2 {
		f.wantNumbers(t, "the name before", store.JobQuery{Name: "before"})
		f.wantNumbers(t, "the tag before", store.JobQuery{Tag: "old"})
		f.wantNumbers(t, "the name", store.JobQuery{Name: "after"}, 300)
		f.wantNumbers(t, "the tag", store.JobQuery{Tag: "new"}, 300)
		f.wantNumbers(t, "the host", store.JobQuery{Host: hostOf(t, "other.example")}, 300)
		f.wantNumbers(t, "a text", store.JobQuery{Text: "R.EXAMPLE:81/"}, 300)
		f.wantNumbers(t, "a letter", store.JobQuery{Text: "x"}, 300)
		f.wantNumbers(t, "one between the others", store.JobQuery{Tag: "late"}, 150)
		f.wantNumbers(t, "one below all", store.JobQuery{Tag: "low"}, 0)
		f.reopen(t)
	}
	ok(t, f.Jobs().Delete(t.Context(), v.JobID, 2, noon+hour))
	f.wantNumbers(t, "a deleted one", store.JobQuery{Tag: "new"})
	f.wantNumbers(t, "a deleted one, by its id", store.JobQuery{IDs: []domain.JobID{v.JobID}})
}

// listAccept: a predicate of the caller is one more filter, in pages and in counts.
func listAccept(t *testing.T, f *fixture) {
	var all []domain.Version
	for n := 1; n <= 300; n++ {
		v := version(n)
		v.Active = n%2 == 0
		if n%5 == 0 {
			v.Spec.Tags = []string{"fifth"}
		}
		all = append(all, v)
	}
	f.create(t, all...)
	third := func(id domain.JobID) bool { return (int(id[14])<<8|int(id[15]))%3 == 0 }
	yes, no := true, false
	for name, q := range map[string]store.JobQuery{
		"all": {}, "a tag": {Tag: "fifth"}, "text": {Text: "127.0.0.1"}, "active": {Active: &yes},
		"paused": {Active: &no}, "ids": {IDs: []domain.JobID{jobID(3), jobID(4), jobID(6)}},
		"none": {Tag: "none"}, "not failing": {Failing: &no},
	} {
		var want []int
		for _, n := range f.numbers(t, q) {
			if n%3 == 0 {
				want = append(want, n)
			}
		}
		q.Accept = third
		for _, work := range []int{0, 10} {
			q.MaxWork, q.Limit = work, 7
			f.wantNumbers(t, name, q, want...)
			q.CountOnly = true
			sum := 0
			for at := q; ; {
				page := must(f.Jobs().List(t.Context(), at))(t)
				if sum += page.Count; page.Next.IsZero() {
					break
				}
				at.After = page.Next
			}
			if q.CountOnly = false; sum != len(want) {
				t.Errorf("%s, work %d: counted %d, want %d", name, work, sum, len(want))
			}
		}
	}
}
