//go:build unix

package sqlite

import (
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
	for name, q := range map[string]store.JobQuery{
		"all": {}, "a rare tag": {Tag: "rare-777"}, "a common tag": {Tag: "team-3"}, "no tag has it": {Tag: "none"},
		"text of one": {Text: "job 00777-"}, "no text": {Text: "zebra crossing"}, "three letters": {Text: "zqx"},
		"one letter": {Text: "j"}, "random hex": {Text: "a1b2c3"},
		"host":    {Host: domain.HostFilter{Name: "host-7.example.com"}},
		"no host": {Host: domain.HostFilter{Name: "none.example"}}, "namespace": {Namespace: "space-1"},
		"namespace and text": {Namespace: "space-1", Text: "hook/77"}, "paused": {Active: &no},
		"failing":           {Failing: &yes},
		"active, tag, text": {Active: &yes, Tag: "team-3", Text: "777"},
		"count of a tag":    {Tag: "team-3", CountOnly: true},
		"a thousand":        {Limit: 1_000}, "newest, text": {Descending: true, Text: "job 00777-"},
	} {
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
