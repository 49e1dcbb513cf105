package engine

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestBlocks(t *testing.T) {
	t.Parallel()
	for _, b := range []*blocks{nil, {}} {
		jobs, versions := map[*job]bool{}, map[*version]bool{}
		var kept, texts []string
		for i := range 1_000 {
			j, v := b.newJob(domain.NewJobID(int64(i)), int64(i)), b.version()
			if jobs[j] || versions[v] {
				t.Fatalf("%d: handed out twice", i)
			}
			if j.next != never || j.createdAt != int64(i) || j.current != nil || v.plan != (version{}).plan {
				t.Fatalf("%d: not new: %+v", i, j)
			}
			jobs[j], versions[v] = true, true
			text := strings.Repeat(fmt.Sprintf("/%d", i), 1+i%300)
			kept, texts = append(kept, b.keep(text)), append(texts, text)
		}
		for i := range kept {
			if kept[i] != texts[i] {
				t.Fatalf("text %d is %q", i, kept[i])
			}
		}
	}
}

// Jobs that are read at a start cost the garbage collector few objects.
func TestBlocksAreFewObjects(t *testing.T) {
	const n = 100_000
	var b blocks
	jobs := make([]*job, n)
	text := []byte("/hooks/of/some/length?customer=12345678")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for i := range jobs {
		jobs[i] = b.newJob(domain.JobID{}, 0)
		jobs[i].current = b.version()
		jobs[i].current.rest = b.keep(string(text))
	}
	runtime.ReadMemStats(&after)
	// The copies that keep is given are garbage, and do not count.
	if got := after.Mallocs - before.Mallocs - n; got > n/20 {
		t.Errorf("%d objects for %d jobs", got, n)
	}
	if got := (after.TotalAlloc - before.TotalAlloc) / n; got > 80+64+2*48+10 {
		t.Errorf("%d bytes a job", got)
	}
	runtime.KeepAlive(jobs)
}
