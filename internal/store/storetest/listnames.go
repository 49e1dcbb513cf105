package storetest

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var listNameCases = []testCase{
	{"List by name folds A to Z alone, and has jobs without a name last", namesOrder},
	{"List by name follows a job through its changes", namesFollow},
	{"List by name has jobs of one name in the order of their ids", namesEqual},
	{"List by name takes every filter", namesFilters},
	{"List by name ends a page early when it has examined enough, and leads on", namesWork},
	{"List by name goes on at a place whose job has gone", namesGone},
}

// createNamed creates jobs with names, numbered from 1 on.
func createNamed(t *testing.T, f *fixture, names ...string) (all []domain.Version) {
	t.Helper()
	for i, name := range names {
		v := version(i + 1)
		v.Spec.Name = name
		all = append(all, v)
	}
	f.create(t, all...)
	return all
}

// listByName reads a whole list by name and returns the jobs' numbers.
func listByName(t *testing.T, f *fixture, q store.JobQuery) (all []int) {
	t.Helper()
	q.ByName = true
	if q.Limit == 0 {
		q.Limit = 10
	}
	for {
		page := must(f.Jobs().List(t.Context(), q))(t)
		if len(page.Jobs) > q.Limit {
			t.Errorf("%+v: %d jobs", q, len(page.Jobs))
		}
		for _, j := range page.Jobs {
			all = append(all, int(j.ID[14])<<8|int(j.ID[15]))
		}
		if page.Next.IsZero() {
			return all
		}
		if page.Next == q.After && page.NextName == q.AfterName {
			t.Fatalf("%+v: the page does not lead on", q)
		}
		q.After, q.AfterName = page.Next, page.NextName
	}
}

// wantByName expects jobs with and without a name in the list, and backwards, on pages of some sizes.
func wantByName(t *testing.T, f *fixture, what string, q store.JobQuery, named, nameless []int) {
	t.Helper()
	for _, limit := range []int{1, 2, 3, 1_000} {
		q.Limit, q.Descending = limit, false
		if got, want := listByName(t, f, q), slices.Concat(named, nameless); !slices.Equal(got, want) {
			t.Errorf("%s, %d a page: listed %v, want %v", what, limit, got, want)
		}
		back, last := slices.Clone(named), slices.Clone(nameless)
		slices.Reverse(back)
		slices.Reverse(last)
		q.Descending = true
		if got, want := listByName(t, f, q), slices.Concat(back, last); !slices.Equal(got, want) {
			t.Errorf("%s, backwards, %d a page: listed %v, want %v", what, limit, got, want)
		}
	}
}

func namesOrder(t *testing.T, f *fixture) {
	long := strings.Repeat("é", 99)
	createNamed(t, f, "zebra", "", "Apple", "apple", "Émile", "émile", "APPLE pie", "apple_pie", "apple-pie",
		"_", "10", "9", "", "ähnlich", "Zebra", "日本", "😀", "Я", "я", "A", "a", "[", "{", long+"Xb", long+"xa", long+"w",
		"Straße", "STRASSE")
	want := []int{11, 12, 22, 10, 20, 21, 3, 4, 7, 9, 8, 28, 27, 1, 15, 23, 5, 14, 6, 26, 24, 25, 18, 19, 16, 17}
	for range 2 {
		wantByName(t, f, "all", store.JobQuery{}, want, []int{2, 13})
		f.reopen(t)
	}
}

func namesFollow(t *testing.T, f *fixture) {
	all := createNamed(t, f, "delta", "Alpha", "charlie", "", "bravo")
	expect := func(what string, named, nameless []int) {
		t.Helper()
		for range 2 {
			wantByName(t, f, what, store.JobQuery{}, named, nameless)
			f.reopen(t)
		}
	}
	expect("created", []int{2, 5, 3, 1}, []int{4})
	rename := func(i int, at int64, name string) {
		t.Helper()
		all[i] = edit(all[i], noon+at*minute, func(v *domain.Version) { v.Spec.Name = name })
		f.update(t, all[i])
	}
	rename(0, 1, "aardvark")
	rename(3, 1, "Beta")
	rename(2, 1, "")
	expect("renamed", []int{1, 2, 4, 5}, []int{3})
	f.update(t, all[0]) // a repeat
	rename(1, 1, "ALPHA")
	all[4] = edit(all[4], noon+minute, func(v *domain.Version) { v.Active = false })
	f.update(t, all[4])
	rename(0, 2, "zulu")
	expect("renamed again, written otherwise, paused", []int{2, 4, 5, 1}, []int{3})
	ok(t, f.Jobs().Delete(t.Context(), all[3].JobID, 2, noon+hour))
	ok(t, f.Jobs().Delete(t.Context(), all[2].JobID, 2, noon+hour))
	ok(t, f.Jobs().Delete(t.Context(), all[2].JobID, 2, noon+hour)) // a repeat
	expect("deleted", []int{2, 5, 1}, nil)
	again := version(9)
	again.Spec.Name = "beta"
	f.create(t, again)
	f.create(t, again) // a repeat
	expect("created again", []int{2, 9, 5, 1}, nil)
}

func namesEqual(t *testing.T, f *fixture) {
	names := make([]string, 200)
	var want []int
	for i := range names {
		if names[i] = "Same"; i%2 == 1 {
			names[i] = "same"
		}
		want = append(want, i+1)
	}
	createNamed(t, f, slices.Concat(names, []string{"other", "tame"})...)
	want = append(append([]int{201}, want...), 202)
	for _, limit := range []int{7, 1_000} {
		if got := listByName(t, f, store.JobQuery{Limit: limit}); !slices.Equal(got, want) {
			t.Errorf("listed %v", got)
		}
		if got := listByName(t, f, store.JobQuery{Limit: limit, MaxBytes: 1}); !slices.Equal(got, want) {
			t.Errorf("a job on each page: listed %v", got)
		}
	}
	slices.Reverse(want)
	if got := listByName(t, f, store.JobQuery{Limit: 7, Descending: true}); !slices.Equal(got, want) {
		t.Errorf("backwards: listed %v", got)
	}
}

func namesFilters(t *testing.T, f *fixture) {
	all := []domain.Version{version(1), version(2), version(3), version(4), version(5), version(6)}
	for i, name := range []string{"Foxtrot", "echo", "Delta", "charlie", "", ""} {
		v := &all[i]
		v.Spec.Name, v.Active = name, i%2 == 0
		if i < 3 || i == 5 {
			v.Spec.Tags, v.Spec.Namespace, v.Spec.API = []string{"eu"}, "team-7", "https://api.example.com/x"
		}
	}
	all[1].Spec.Key = "k-1"
	f.create(t, all...)
	f.record(t, failure(1, noon), failure(3, noon), failure(5, noon))
	yes, no := true, false
	even := func(id domain.JobID) bool { return id[15]%2 == 0 }
	ids := []domain.JobID{jobID(6), jobID(2), jobID(3), jobID(9), jobID(3)}
	for _, c := range []struct {
		name            string
		q               store.JobQuery
		named, nameless []int
	}{
		{"all", store.JobQuery{}, []int{4, 3, 2, 1}, []int{5, 6}},
		{"active", store.JobQuery{Active: &yes}, []int{3, 1}, []int{5}},
		{"paused", store.JobQuery{Active: &no}, []int{4, 2}, []int{6}},
		{"failing", store.JobQuery{Failing: &yes}, []int{3, 1}, []int{5}},
		{"not failing", store.JobQuery{Failing: &no}, []int{4, 2}, []int{6}},
		{"namespace", store.JobQuery{Namespace: "team-7"}, []int{3, 2, 1}, []int{6}},
		{"the namespace of most", store.JobQuery{Namespace: "default"}, []int{4}, []int{5}},
		{"key", store.JobQuery{Key: "k-1"}, []int{2}, nil},
		{"key in another namespace", store.JobQuery{Key: "k-1", Namespace: "default"}, nil, nil},
		{"name", store.JobQuery{Name: "echo"}, []int{2}, nil},
		{"tag", store.JobQuery{Tag: "eu"}, []int{3, 2, 1}, []int{6}},
		{"host", store.JobQuery{Host: hostOf(t, "api.example.com")}, []int{3, 2, 1}, []int{6}},
		{"text", store.JobQuery{Text: "EXAMPLE"}, []int{3, 2, 1}, []int{6}},
		{"ids", store.JobQuery{IDs: ids}, []int{3, 2}, []int{6}},
		{"no ids", store.JobQuery{IDs: []domain.JobID{}}, nil, nil},
		{"what the caller knows", store.JobQuery{Accept: even}, []int{4, 2}, []int{6}},
		{"several", store.JobQuery{Accept: even, Tag: "eu", Active: &no, Namespace: "team-7"}, []int{2}, []int{6}},
	} {
		wantByName(t, f, c.name, c.q, c.named, c.nameless)
	}
}

func namesWork(t *testing.T, f *fixture) {
	var all []domain.Version
	var named, nameless []int
	for n := 1; n <= 300; n++ {
		v := version(n)
		if v.Spec.Name = fmt.Sprintf("job %03d", 301-n); n%50 == 0 {
			v.Spec.Name = ""
			nameless = append(nameless, n)
		} else {
			named = append(named, n)
		}
		if n == 7 || n == 150 || n == 230 {
			v.Spec.Tags, v.Spec.Namespace, v.Active = []string{"rare"}, "team-7", false
		}
		all = append(all, v)
	}
	slices.Reverse(named)
	f.create(t, all...)
	no := false
	accept := func(id domain.JobID) bool { return id == jobID(7) || id == jobID(150) || id == jobID(230) }
	for name, q := range map[string]store.JobQuery{
		"tag": {Tag: "rare"}, "namespace": {Namespace: "team-7"}, "paused": {Active: &no}, "accept": {Accept: accept},
		"all of them": {Tag: "rare", Namespace: "team-7", Active: &no, Accept: accept},
	} {
		for _, q.MaxWork = range []int{9, 50, 0} {
			wantByName(t, f, name, q, []int{230, 7}, []int{150})
		}
	}
	for _, work := range []int{9, 50, 0} {
		q := store.JobQuery{MaxWork: work, Limit: 20}
		if got := listByName(t, f, q); !slices.Equal(got, slices.Concat(named, nameless)) {
			t.Errorf("work %d: listed %v", work, got)
		}
		q.Tag = "no job has this"
		if got := listByName(t, f, q); len(got) > 0 {
			t.Errorf("work %d: listed %v", work, got)
		}
	}
	page := must(f.Jobs().List(t.Context(), store.JobQuery{ByName: true, Limit: 300, MaxWork: 40}))(t)
	if len(page.Jobs) > 200 || page.Next.IsZero() {
		t.Errorf("%d jobs with the work of 40", len(page.Jobs))
	}
}

// namesGone: a place is a name and an id, and not a job. What is renamed meanwhile moves nothing else.
func namesGone(t *testing.T, f *fixture) {
	all := createNamed(t, f, "a", "b", "c", "d", "e")
	first := must(f.Jobs().List(t.Context(), store.JobQuery{ByName: true, Limit: 2}))(t)
	f.update(t, edit(all[1], noon+minute, func(v *domain.Version) { v.Spec.Name = "zz" }))
	ok(t, f.Jobs().Delete(t.Context(), all[2].JobID, 1, noon+minute))
	q := store.JobQuery{After: first.Next, AfterName: first.NextName}
	if got := listByName(t, f, q); !slices.Equal(got, []int{4, 5, 2}) {
		t.Errorf("listed %v", got)
	}
	q.Descending = true
	if got := listByName(t, f, q); !slices.Equal(got, []int{1}) {
		t.Errorf("backwards: listed %v", got)
	}
}
