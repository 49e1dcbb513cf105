package e2e

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/receiver"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/sqlite"
)

// The soak: a server at a steady rate for a long time, while old history is
// dropped. What grows shows. `make test` runs it for seconds, which shows that
// it works; `make soak` for half an hour, which shows that the server does.
var (
	soakSeconds = fromEnv("BELFRY_SOAK_SECONDS", 15)
	soakRate    = fromEnv("BELFRY_SOAK_RATE", 300)
	soakRows    = fromEnv("BELFRY_SOAK_ROWS", 5_000) // of each old day
)

// judgeSoak is how long a soak must be for its thirds to be compared: before
// that, caches fill.
const judgeSoak = 15 * 60

func TestSoak(t *testing.T) {
	t.Parallel() // beside other tests that measure: see doc.go
	dir, tg := t.TempDir(), newTarget(t)
	midway := time.Duration(soakSeconds) * time.Second / 3
	now := time.Now().UTC()
	today := now.Truncate(24 * time.Hour)
	oldDays(t, dir, today.AddDate(0, 0, -5), 4)
	// The day before yesterday is dropped when a third of the soak is over,
	// those before it at once.
	retention := now.Add(midway).Sub(today.AddDate(0, 0, -1)).Truncate(time.Second)
	p := serve(t, dir, "BELFRY_RETENTION="+retention.String())
	ids := p.importJobs(everySecond(soakRate, tg.url+"/ok"))
	first := (time.Now().UnixMilli()/1000 + 2) * 1000
	last := first + int64(soakSeconds-1)*1000

	machine := watchStalls(t)
	var samples []sample
	for at := first; at <= last; at += 1000 {
		pass(at)
		samples = append(samples, p.sample())
	}
	eventually(t, "the last fires are on record", func() bool {
		return p.metric("belfry_executions_total") >= float64(soakRate*soakSeconds)
	})
	eventually(t, "every fire has been received", func() bool {
		return tg.count(t, first, last) >= len(ids)*soakSeconds
	})
	remaining, err := filepath.Glob(filepath.Join(dir, "history", "*.db"))
	if err != nil {
		t.Fatal(err)
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	tg.stop()
	if soakSeconds > 240 { // the server looks each minute
		if len(remaining) > 2+int(time.Now().UTC().Truncate(24*time.Hour).Sub(today)/(24*time.Hour)) {
			t.Errorf("history that is left: %v", remaining)
		}
	}
	drift := readDrift(t, tg, len(ids), first, last)
	report(t, samples, drift)
	for i := range drift {
		machine.wantTimely(t, fmt.Sprintf("99 %% of the fires of third %d", i+1), int64(drift[i].percentile(99)))
	}
}

// count returns how many requests have come of what was due from first to last. A
// long soak has too many to hold them.
func (tg *target) count(t *testing.T, first, last int64) (n int) {
	t.Helper()
	for e, err := range receiver.ReadLog(tg.log) {
		if err != nil {
			t.Fatal(err)
		}
		if e.ScheduledAt >= first && e.ScheduledAt <= last {
			n++
		}
	}
	return n
}

// oldDays writes history of days that are over.
func oldDays(t *testing.T, dir string, day time.Time, days int) {
	t.Helper()
	db, err := sqlite.Open(t.Context(), sqlite.Config{Path: filepath.Join(dir, "jobs.db")})
	if err != nil {
		t.Fatal(err)
	}
	for range days {
		job := domain.NewJobID(day.UnixMilli())
		var batch store.Batch
		for i := range soakRows {
			at := day.UnixMilli() + int64(i)
			batch.Facts = append(batch.Facts, domain.Execution{
				FireKey: domain.FireKey{JobID: job, ScheduledAt: at}, Version: 1, Status: domain.StatusSuccess,
				StartedAt: at, CompletedAt: at + 5, HTTPStatus: 200,
			})
			if len(batch.Facts) == 4000 || i == soakRows-1 {
				if err := db.Ledger().Record(context.Background(), batch); err != nil {
					t.Fatal(err)
				}
				batch.Facts = batch.Facts[:0]
			}
		}
		day = day.AddDate(0, 0, 1)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
}

// sample is what the server uses at one moment.
type sample struct {
	rssKB, liveKB     int // liveKB: what the last collection left
	goroutines, files int
}

func (p *process) sample() sample {
	p.t.Helper()
	proc := fmt.Sprintf("/proc/%d/", p.cmd.Process.Pid)
	status, err := os.ReadFile(proc + "status")
	if err != nil {
		p.t.Skip("the use of memory can be read on Linux only: ", err)
	}
	_, rest, _ := strings.Cut(string(status), "VmRSS:")
	rss, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		p.t.Fatal(err)
	}
	files, err := os.ReadDir(proc + "fd")
	if err != nil {
		p.t.Fatal(err)
	}
	return sample{
		// The next collection comes when the heap is so many percent above it.
		rssKB:      rss,
		liveKB:     int(p.metric("go_memstats_next_gc_bytes") / (1 + p.metric("go_gc_gogc_percent")/100) / 1024),
		goroutines: int(p.metric("go_goroutines")), files: len(files),
	}
}

// metric sums the series of a name that the server exposes.
func (p *process) metric(name string) (sum float64) {
	p.t.Helper()
	req, err := http.NewRequestWithContext(p.t.Context(), http.MethodGet, p.url+"/metrics", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		p.t.Fatal(err)
	}
	defer res.Body.Close()
	for lines := bufio.NewScanner(res.Body); lines.Scan(); {
		series, value, _ := strings.Cut(lines.Text(), " ")
		if series != name && !strings.HasPrefix(series, name+"{") {
			continue
		}
		v, err := strconv.ParseFloat(value, 64)
		if err != nil {
			p.t.Fatal(err)
		}
		sum += v
	}
	return sum
}

// histogram counts milliseconds of lateness; the last place is all above.
type histogram [5_000]int

func (h *histogram) add(ms int64) { h[min(max(ms, 0), int64(len(h)-1))]++ }

func (h *histogram) percentile(p int) int {
	total := 0
	for _, n := range h {
		total += n
	}
	for ms, seen := 0, 0; ms < len(h); ms++ {
		if seen += h[ms]; seen*100 >= total*p && total > 0 {
			return ms
		}
	}
	return -1
}

// readDrift reads the target's log: each job once in each second, and how late,
// by thirds of the time.
func readDrift(t *testing.T, tg *target, jobs int, first, last int64) (thirds [3]histogram) {
	t.Helper()
	got := make([]int, (last-first)/1000+1)
	early := 0
	for e, err := range receiver.ReadLog(tg.log) {
		if err != nil {
			t.Fatal(err)
		}
		if e.ScheduledAt < first || e.ScheduledAt > last {
			continue
		}
		s := int(e.ScheduledAt-first) / 1000
		got[s]++
		if e.ReceivedAt < e.ScheduledAt {
			early++
		}
		thirds[s*3/len(got)].add(e.ReceivedAt - e.ScheduledAt)
	}
	if i := slices.IndexFunc(got, func(n int) bool { return n != jobs }); i >= 0 || early > 0 {
		t.Errorf("second %d has %d of %d fires (all from then on: %v...); %d were early", i, got[max(0, i)], jobs,
			got[max(0, i):min(len(got), i+5)], early)
	}
	return thirds
}

// report tells the thirds of the soak and, when it was long enough, compares
// the first with the last.
func report(t *testing.T, samples []sample, drift [3]histogram) {
	t.Helper()
	third := func(i int, of func(sample) int) int {
		var v []int
		for _, s := range samples[len(samples)*i/3 : len(samples)*(i+1)/3] {
			v = append(v, of(s))
		}
		slices.Sort(v)
		return v[len(v)/2]
	}
	t.Logf("%d s at %d fires/s; by thirds:", soakSeconds, soakRate)
	for _, row := range []struct {
		name   string
		of     func(sample) int
		growth float64 // how much more the last third may have than the first
	}{
		{"memory (RSS), KiB", func(s sample) int { return s.rssKB }, 1.05},
		{"live heap, KiB", func(s sample) int { return s.liveKB }, 1.10},
		{"goroutines", func(s sample) int { return s.goroutines }, 1.10},
		{"open files", func(s sample) int { return s.files }, 1.10},
	} {
		a, b, c := third(0, row.of), third(1, row.of), third(2, row.of)
		t.Logf("%-20s %8d %8d %8d", row.name, a, b, c)
		if soakSeconds >= judgeSoak && float64(c) > float64(a)*row.growth+3 {
			t.Errorf("%s grew from %d to %d", row.name, a, c)
		}
	}
	for _, p := range []int{50, 99} {
		t.Logf("%-20s %8d %8d %8d", fmt.Sprintf("drift p%d, ms", p), drift[0].percentile(p), drift[1].percentile(p),
			drift[2].percentile(p))
	}
}
