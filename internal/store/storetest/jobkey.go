package storetest

import (
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var jobKeyCases = []testCase{
	{"List finds the job of a key, in each namespace", listKeys},
	{"a key is of one job in its namespace, until it is changed or the job is deleted", keysAreTaken},
	{"Create says of all keys that are taken whose they are", createTaken},
	{"Create and Update again succeed whatever has become of their keys", keyedRepeats},
	{"one of many who create a job with a key succeeds", keyRace},
}

// keyed returns version 1 of job n with a key.
func keyed(n int, key string) domain.Version {
	v := version(n)
	v.Spec.Key = key
	return v
}

// holderOf returns the number of the job that a key belongs to, in a namespace; zero: none.
func (f *fixture) holderOf(t *testing.T, namespace, key string) int {
	t.Helper()
	found := must(f.Jobs().List(t.Context(), store.JobQuery{Namespace: namespace, Key: key, Limit: 2}))(t).Jobs
	switch len(found) {
	case 0:
		return 0
	case 1:
		if s := found[0].Current.Spec; s.Key != key || s.Namespace != namespace {
			t.Fatalf("%s of %s was asked for, and found %s of %s", key, namespace, s.Key, s.Namespace)
		}
		return int(found[0].ID[15])
	}
	t.Fatalf("%s of %s is the key of several jobs: %v", key, namespace, found)
	return 0
}

func listKeys(t *testing.T, f *fixture) {
	other := keyed(2, "a")
	other.Spec.Namespace, other.Active = "team-7", false
	f.create(t, keyed(1, "a"), other, keyed(3, "b"), version(4), keyed(5, "A"))
	no := false
	for _, c := range []struct {
		q    store.JobQuery
		want []int
	}{
		{store.JobQuery{Key: "a"}, []int{1, 2}},
		{store.JobQuery{Key: "a", Namespace: "default"}, []int{1}},
		{store.JobQuery{Key: "a", Namespace: "team-7"}, []int{2}},
		{store.JobQuery{Key: "a", Namespace: "team-8"}, nil},
		{store.JobQuery{Key: "a", Active: &no}, []int{2}},
		{store.JobQuery{Key: "a", After: jobID(1)}, []int{2}},
		{store.JobQuery{Key: "a", Text: "nothing"}, nil},
		{store.JobQuery{Key: "A"}, []int{5}},
		{store.JobQuery{Key: "a "}, nil},
		{store.JobQuery{Key: "c"}, nil},
	} {
		c.q.Limit = 10
		var got []int
		for _, job := range must(f.Jobs().List(t.Context(), c.q))(t).Jobs {
			got = append(got, int(job.ID[15]))
		}
		if !slices.Equal(got, c.want) {
			t.Errorf("%+v: listed %v, want %v", c.q, got, c.want)
		}
	}
}

func wantTaken(t *testing.T, err error, by map[int]int) {
	t.Helper()
	wantCode(t, err, domain.CodeConflict)
	want := map[int]domain.JobID{}
	for place, n := range by {
		want[place] = jobID(n)
	}
	equal(t, store.TakenBy(err), want)
}

func keysAreTaken(t *testing.T, f *fixture) {
	create := func(v domain.Version) error { return f.Jobs().Create(t.Context(), []domain.Version{v}) }
	rename := func(key string) func(*domain.Version) { return func(v *domain.Version) { v.Spec.Key = key } }
	v1, plain := keyed(1, "a"), version(2)
	f.create(t, v1, plain)
	wantTaken(t, create(keyed(3, "a")), map[int]int{0: 1})
	wantTaken(t, f.Jobs().Update(t.Context(), edit(plain, noon+hour, rename("a"))), map[int]int{0: 1})
	elsewhere := keyed(3, "a")
	elsewhere.Spec.Namespace = "team-7"
	ok(t, create(elsewhere))
	equal(t, must(f.Jobs().Get(t.Context(), jobID(2)))(t).Current, plain)

	same := edit(v1, noon+hour, func(v *domain.Version) { v.Spec.Name = "it stays" })
	f.update(t, same)
	f.reopen(t)
	wantTaken(t, create(keyed(4, "a")), map[int]int{0: 1})
	other := edit(same, noon+2*hour, rename("b"))
	f.update(t, other)
	equal(t, [2]int{f.holderOf(t, "default", "a"), f.holderOf(t, "default", "b")}, [2]int{0, 1})
	taken := edit(plain, noon+hour, rename("a"))
	f.update(t, taken)
	wantTaken(t, f.Jobs().Update(t.Context(), edit(other, noon+3*hour, rename("a"))), map[int]int{0: 2})
	f.update(t, edit(other, noon+3*hour, rename("")))
	equal(t, f.holderOf(t, "default", "b"), 0)

	ok(t, f.Jobs().Delete(t.Context(), jobID(2), 2, noon+4*hour))
	equal(t, [2]int{f.holderOf(t, "default", "a"), f.holderOf(t, "team-7", "a")}, [2]int{0, 3})
	ok(t, create(keyed(5, "a")))
	equal(t, f.holderOf(t, "default", "a"), 5)
}

func createTaken(t *testing.T, f *fixture) {
	f.create(t, keyed(1, "a"), keyed(2, "b"))
	elsewhere := keyed(7, "a")
	elsewhere.Spec.Namespace = "team-7"
	batch := []domain.Version{keyed(3, "c"), keyed(4, "b"), version(5), keyed(6, "c"), elsewhere, keyed(8, "a"),
		keyed(9, "a")}
	wantTaken(t, f.Jobs().Create(t.Context(), batch), map[int]int{1: 2, 3: 3, 5: 1, 6: 1})
	wantCount(t, f, 2, 2)
	f.create(t, batch[0], batch[2], batch[4])
	wantCount(t, f, 5, 5)
}

func keyedRepeats(t *testing.T, f *fixture) {
	v1 := keyed(1, "a")
	v2 := edit(v1, noon+hour, func(v *domain.Version) { v.Spec.Key = "b" })
	v3 := edit(v2, noon+2*hour, func(v *domain.Version) { v.Spec.Key = "c" })
	f.create(t, v1)
	f.create(t, v1)
	f.update(t, v2)
	f.update(t, v2)
	f.update(t, v3)
	f.create(t, keyed(2, "a"), keyed(3, "b"))
	f.create(t, v1)
	f.update(t, v2)
	ok(t, f.Jobs().Delete(t.Context(), jobID(1), 3, noon+3*hour))
	f.create(t, keyed(4, "c"))
	ok(t, f.Jobs().Delete(t.Context(), jobID(1), 3, noon+3*hour))
	f.create(t, v1)
	wantCount(t, f, 3, 3)
	equal(t, [3]int{f.holderOf(t, "default", "a"), f.holderOf(t, "default", "b"), f.holderOf(t, "default", "c")},
		[3]int{2, 3, 4})
}

func keyRace(t *testing.T, f *fixture) {
	const clients = 50
	errs := make(chan error, clients)
	for n := range clients {
		go func() { errs <- f.Jobs().Create(t.Context(), []domain.Version{keyed(n+1, "a")}) }()
	}
	made := 0
	for range clients {
		switch err := <-errs; {
		case err == nil:
			made++
		case store.TakenBy(err) == nil:
			t.Error(err)
		}
	}
	equal(t, made, 1)
	wantCount(t, f, 1, 1)
}
