package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var byteCases = []testCase{
	{"a page of jobs ends with the one that reaches its bytes", jobBytes},
	{"a page of executions ends with the one that reaches its bytes", executionBytes},
	{"a page of the trail ends with the entry that reaches its bytes", changeBytes},
	{"a long body is left out of a list, and its length is told", bodyCut},
	{"Stream hands over pieces of at most a mebibyte", streamBytes},
}

// withBody returns version 1 of job n with a body of so many bytes.
func withBody(n, bytes int) domain.Version {
	v := version(n)
	v.Spec.Body = json.RawMessage(`"` + strings.Repeat("b", bytes-2) + `"`)
	return v
}

func jobBytes(t *testing.T, f *fixture) {
	f.create(t, withBody(1, 10_000), withBody(2, 100_000), withBody(3, 10_000), version(4), withBody(5, 100_000))
	for _, row := range []struct{ bytes, limit int }{{1, 10}, {15_000, 10}, {15_000, 1}, {1 << 20, 2}, {0, 10}} {
		var pages [][]int
		for q := (store.JobQuery{Limit: row.limit, MaxBytes: row.bytes}); ; {
			found := must(f.Jobs().List(t.Context(), q))(t)
			var page []int
			sum := 0
			for i := range found.Jobs {
				if row.bytes > 0 && sum >= row.bytes {
					t.Errorf("%+v: a page goes on after %d bytes", row, sum)
				}
				sum += found.Jobs[i].Current.Size()
				page = append(page, int(found.Jobs[i].ID[15]))
			}
			pages = append(pages, page)
			if found.Next.IsZero() {
				break
			}
			q.After = found.Next
		}
		want := map[int]string{1: "[[1] [2] [3] [4] [5]]", 15_000: "[[1 2] [3 4 5]]"}[row.bytes]
		if row.limit == 10 && row.bytes > 0 && fmt.Sprint(pages) != want {
			t.Errorf("%+v: pages %v, want %s", row, pages, want)
		}
		if got := slices.Concat(pages...); fmt.Sprint(got) != "[1 2 3 4 5]" {
			t.Errorf("%+v: %v", row, got)
		}
	}
}

func executionBytes(t *testing.T, f *fixture) {
	f.create(t, version(1))
	var all []domain.Execution
	for i := range int64(6) {
		e := failure(1, noon+i*minute)
		e.Error, e.Nonce = strings.Repeat("e", 1_000*int(1+i%2)), i%3
		all = append(all, e)
	}
	f.record(t, all...)
	for name, list := range map[string]func(store.Page) ([]domain.Execution, error){
		"ByJob":  func(p store.Page) ([]domain.Execution, error) { return f.History().ByJob(t.Context(), jobID(1), p) },
		"Recent": func(p store.Page) ([]domain.Execution, error) { return store.Recent(t.Context(), f.History(), p) },
		"Failed": func(p store.Page) ([]domain.Execution, error) {
			return store.Failed(t.Context(), f.History(), domain.JobID{}, p)
		},
		"Failed of a job": func(p store.Page) ([]domain.Execution, error) {
			return store.Failed(t.Context(), f.History(), jobID(1), p)
		},
	} {
		for _, bytes := range []int{1, 2_500, 1 << 20} {
			var got []domain.Execution
			for p := (store.Page{Limit: 10, MaxBytes: bytes}); ; {
				found := must(list(p))(t)
				got = append(got, found...)
				if !p.Filled(found) {
					break
				}
				p.Before = found[len(found)-1].FireKey
				if found = found[:len(found)-1]; p.Filled(found) {
					t.Errorf("%s: a page of %d bytes goes on after %d executions", name, bytes, len(found))
				}
			}
			equal(t, got, newestFirst(all))
		}
	}
}

func changeBytes(t *testing.T, f *fixture) {
	ctx, _ := by(t, noon, 1)
	ok(t, f.Jobs().Create(ctx, []domain.Version{withBody(1, 50_000)}))
	for n := range 3 {
		ctx, _ := by(t, noon+int64(n+1)*minute, 1)
		last := must(f.Jobs().Get(t.Context(), jobID(1)))(t).Current
		ok(t, f.Jobs().Update(ctx, edit(last, noon+int64(n+1)*minute, nil)))
	}
	hash := store.HashOfBody(withBody(1, 50_000).Spec.Body)
	for _, row := range []struct {
		bytes, body, pages int
		hash               bool
	}{{1, 0, 5, false}, {120_000, 0, 3, true}, {120_000, 1_000, 1, false}, {40_000, 1_000, 3, true}} {
		var got []int
		pages := 0
		for q := (store.ChangeQuery{To: domain.Forever, Limit: 10, MaxBytes: row.bytes, MaxBody: row.body,
			HashBodies: row.hash}); ; {
			found := must(f.Store.Changes().List(t.Context(), q))(t)
			for _, c := range found {
				got = append(got, c.Version)
				want := ""
				if row.hash && row.body > 0 {
					want = hash
				}
				if c.BodyAfter != want || c.BodyBefore != want && c.Version > 1 {
					t.Errorf("%+v: the hashes are %q and %q, want %q", row, c.BodyBefore, c.BodyAfter, want)
				}
				if c.After == nil || row.body > 0 && (c.After.BodyCut != 50_000 || c.After.Spec.Body != nil) ||
					row.body == 0 && (c.After.BodyCut != 0 || len(c.After.Spec.Body) != 50_000) {
					t.Errorf("%+v: the version is %+v", row, c.After)
				}
			}
			if pages++; !q.Filled(found) {
				break
			}
			q.BeforeAt, q.BeforeNonce = found[len(found)-1].At, found[len(found)-1].Nonce
		}
		if pages != row.pages || fmt.Sprint(got) != "[4 3 2 1]" {
			t.Errorf("%+v: %d pages, versions %v", row, pages, got)
		}
	}
}

func bodyCut(t *testing.T, f *fixture) {
	short, long, other := withBody(1, 1_000), withBody(2, 1_001), everyField(3)
	long.Spec.Tags, long.Spec.Headers = []string{"eu"}, map[string]string{"X-A": "b"}
	f.create(t, short, long, other)
	for _, q := range []store.JobQuery{{Limit: 10, MaxBody: 1_000}, {Limit: 10}} {
		want := []domain.Version{short, long, other}
		if q.MaxBody > 0 {
			want[1].Spec.Body, want[1].BodyCut = nil, 1_001
		}
		var got []domain.Version
		for _, j := range must(f.Jobs().List(t.Context(), q))(t).Jobs {
			got = append(got, j.Current)
		}
		equal(t, got, want)
	}
	equal(t, must(f.Jobs().List(t.Context(), store.JobQuery{Limit: 10, MaxBody: 9, Namespace: "team-7"}))(t).Jobs[0].
		Current.BodyCut, len(other.Spec.Body))
	equal(t, must(f.Jobs().Get(t.Context(), jobID(2)))(t).Current, long)
	equal(t, must(f.Jobs().Versions(t.Context(), jobID(2), store.TimingOnly))(t)[0].Spec.Schedule, long.Spec.Schedule)
}

func streamBytes(t *testing.T, f *fixture) {
	var all []domain.Execution
	for i := range int64(40) {
		e := failure(1, noon+i*second)
		for len(e.Attempts) < 50 {
			e.Attempts = append(e.Attempts, domain.Attempt{Number: len(e.Attempts) + 1, StartedAt: noon,
				CompletedAt: noon + 1, Error: strings.Repeat("e", 1_000)})
		}
		all = append(all, e)
	}
	f.record(t, all...)
	var got []domain.Execution
	ok(t, f.History().Stream(t.Context(), noon, midnight, func(piece []domain.Execution) error {
		sum := 0
		for i := range piece {
			sum += piece[i].Size()
		}
		if sum > 1<<20 {
			t.Errorf("a piece of %d bytes", sum)
		}
		got = append(got, slices.Clone(piece)...)
		return nil
	}))
	equal(t, got, all)
}
