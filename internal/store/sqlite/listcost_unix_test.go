//go:build unix

package sqlite

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"strconv"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// BenchmarkLists tells what a page of each kind of list costs in CPU. BELFRY_LIST_JOBS is how many
// jobs there are.
func BenchmarkLists(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("BELFRY_LIST_JOBS"))
	if n == 0 {
		n = 20_000
	}
	s, err := Open(b.Context(), Config{Path: b.TempDir() + "/jobs.db"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	before := cpuTime(b)
	for made := 0; made < n; made += 1_000 {
		if err := s.Jobs().Create(b.Context(), manyJobs(1_000, uint64(made/1_000))); err != nil {
			b.Fatal(err)
		}
	}
	b.Logf("created %d jobs, %d ns of CPU each", n, (cpuTime(b)-before)/int64(n))
	no, yes := false, true
	queries := map[string]store.JobQuery{
		"all": {}, "a rare tag": {Tag: "rare-777"}, "a common tag": {Tag: "team-3"}, "no tag has it": {Tag: "none"},
		"text of one": {Text: "job 00777-"}, "no text": {Text: "zebra crossing"}, "three letters": {Text: "zqx"},
		"one letter": {Text: "j"}, "random hex": {Text: "a1b2c3"},
		"host":    {Host: domain.HostFilter{Name: "host-7.example.com"}},
		"no host": {Host: domain.HostFilter{Name: "none.example"}}, "namespace": {Namespace: "space-1"},
		"namespace and text": {Namespace: "space-1", Text: "hook/77"}, "paused": {Active: &no},
		"failing":           {Failing: &yes},
		"active, tag, text": {Active: &yes, Tag: "team-3", Text: "777"},
		"count of a tag":    {Tag: "team-3", CountOnly: true},
		"due":               {Accept: func(id domain.JobID) bool { return id[15] == 7 && id[14] < 8 }},
		"count of due":      {Accept: func(id domain.JobID) bool { return id[15] == 7 }, CountOnly: true},
		"a thousand":        {Limit: 1_000}, "newest, text": {Descending: true, Text: "job 00777-"},
	}
	maps.Copy(queries, listsByName())
	for name, q := range queries {
		b.Run(name, func(b *testing.B) {
			if q.Limit == 0 {
				q.Limit = 50
			}
			var page store.JobPage
			start := cpuTime(b)
			for b.Loop() {
				if page, err = s.Jobs().List(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-start)/1e6/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(page.Count), "jobs")
			if !page.Next.IsZero() {
				b.ReportMetric(1, "more")
			}
		})
	}
}

func listsByName() map[string]store.JobQuery {
	no := false
	return map[string]store.JobQuery{
		"by name": {ByName: true}, "by name, backwards": {ByName: true, Descending: true},
		"by name, from the middle": {ByName: true, AfterName: "job 00500", After: domain.JobID{1}},
		"by name, a rare tag":      {ByName: true, Tag: "rare-777"},
		"by name, a common tag":    {ByName: true, Tag: "team-3"},
		"by name, no text":         {ByName: true, Text: "zebra crossing"},
		"by name, namespace":       {ByName: true, Namespace: "space-1"},
		"by name, paused":          {ByName: true, Active: &no},
		"by name, due": {
			ByName: true, Accept: func(id domain.JobID) bool { return id[15] == 7 && id[14] < 8 },
		},
	}
}

// BenchmarkExecutionLists tells what a page of each kind of list of executions costs in CPU, and the
// last executions of 200 jobs. BELFRY_LIST_FACTS is how many facts there are, of a job each second.
func BenchmarkExecutionLists(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("BELFRY_LIST_FACTS"))
	if n == 0 {
		n = 20_000
	}
	s, err := Open(b.Context(), Config{Path: b.TempDir() + "/jobs.db"})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { _ = s.Close() })
	const jobsAtATime = 200
	versions := manyJobs(jobsAtATime, 1)
	from := int64(1_700_000_000_000)
	for i := range versions {
		versions[i].EffectiveFrom, versions[i].Spec.Schedule = from-1, "* * * * * *"
	}
	if err := s.Jobs().Create(b.Context(), versions); err != nil {
		b.Fatal(err)
	}
	for made := 0; made < n; made += jobsAtATime {
		var facts []domain.Execution
		for i := range versions {
			at := from + int64(made/jobsAtATime)*1_000
			e := domain.Execution{FireKey: domain.FireKey{JobID: versions[i].JobID, ScheduledAt: at}, Version: 1,
				Status: domain.StatusSuccess, StartedAt: at, CompletedAt: at + 9, HTTPStatus: 200}
			if (made+i)%100_003 == 0 {
				e.Status, e.HTTPStatus = domain.StatusSkipped, 0
			}
			facts = append(facts, e)
		}
		if err := s.Ledger().Record(b.Context(), store.Batch{Facts: facts}); err != nil {
			b.Fatal(err)
		}
	}
	yes, last := true, from+int64(n/jobsAtATime)*1_000
	skipped := []domain.Status{domain.StatusSkipped}
	for name, q := range map[string]store.ExecutionQuery{
		"all": {}, "a thousand": {Limit: 1_000}, "rare": {Statuses: skipped},
		"never":   {Statuses: []domain.Status{"MISSED"}},
		"by hand": {Manual: &yes}, "of a job": {JobID: versions[8].JobID},
		"rare of a job": {JobID: versions[8].JobID, Statuses: skipped},
		"an hour ago":   {From: last - 7_200_000, To: last - 3_600_000},
		"sifted":        {MaxWork: 10_000, Limit: 1_000},
	} {
		b.Run(name, func(b *testing.B) {
			if q.Limit == 0 {
				q.Limit = 50
			}
			var page store.ExecutionPage
			start := cpuTime(b)
			for b.Loop() {
				if page, err = s.History().List(b.Context(), q); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(cpuTime(b)-start)/1e6/float64(b.N), "cpu-ms/op")
			b.ReportMetric(float64(len(page.Executions)), "facts")
		})
	}
	b.Run("last of 200", func(b *testing.B) {
		all, err := s.Jobs().List(b.Context(), store.JobQuery{Limit: jobsAtATime})
		if err != nil {
			b.Fatal(err)
		}
		start, found := cpuTime(b), 0
		for b.Loop() {
			got, err := s.History().Last(b.Context(), all.Jobs)
			if found = len(got); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(cpuTime(b)-start)/1e6/float64(b.N), "cpu-ms/op")
		b.ReportMetric(float64(found), "facts")
	})
}

// BenchmarkMostFailures tells what it takes to find the jobs with the most failures in a row. BELFRY_LIST_JOBS is
// how many jobs fail.
func BenchmarkMostFailures(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("BELFRY_LIST_JOBS"))
	if n == 0 {
		n = 20_000
	}
	a := manyOpen(n)
	start := cpuTime(b)
	for b.Loop() {
		most := store.NewMostFailures(store.JobFailures{}, 200)
		eachOpen(a, func(job domain.JobID, live liveAlert) {
			most.Add(store.JobFailures{JobID: job, Count: live.count})
		})
		if len(most.Found()) != 200 {
			b.Fatal(len(most.Found()))
		}
	}
	b.ReportMetric(float64(cpuTime(b)-start)/1e6/float64(b.N), "cpu-ms/op")
	b.ReportMetric(float64(cpuTime(b)-start)/float64(b.N)/float64(n), "cpu-ns/job")
}

// BenchmarkIndexOfNames tells what the order of names adds to the creation of a job. BELFRY_LIST_JOBS is how many jobs
// are created, in thousands. Without names their places follow each other.
func BenchmarkIndexOfNames(b *testing.B) {
	n, _ := strconv.Atoi(os.Getenv("BELFRY_LIST_JOBS"))
	if n == 0 {
		n = 20_000
	}
	for name, change := range map[string]func(*domain.Version, *rand.Rand){
		"names all over": func(v *domain.Version, r *rand.Rand) {
			v.Spec.Name = fmt.Sprintf("%x %s", r.Uint32(), v.Spec.Name)
		},
		"no names": func(v *domain.Version, _ *rand.Rand) { v.Spec.Name = "" },
	} {
		b.Run(name, func(b *testing.B) {
			spent, random := int64(0), rand.New(rand.NewPCG(1, 2))
			for b.Loop() {
				s, err := Open(b.Context(), Config{Path: b.TempDir() + "/jobs.db"})
				for made := 0; made < n && err == nil; made += 1_000 {
					jobs := manyJobs(1_000, uint64(made/1_000))
					for i := range jobs {
						change(&jobs[i], random)
					}
					start := cpuTime(b)
					err = s.Jobs().Create(b.Context(), jobs)
					spent += cpuTime(b) - start
				}
				if err != nil {
					b.Fatal(err)
				}
				_ = s.Close()
			}
			b.ReportMetric(float64(spent)/float64(b.N)/float64(n), "cpu-ns/job")
		})
	}
}
