package e2e

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// The downtime test: a server is down for a while, and sends what it missed while the
// next fires are due. `make test` runs a short form, `make downtime` ten minutes of a
// thousand jobs.
var (
	downSeconds  = fromEnv("BELFRY_DOWNTIME_SECONDS", 20)
	downJobs     = fromEnv("BELFRY_DOWNTIME_JOBS", 200)
	quietSeconds = fromEnv("BELFRY_DOWNTIME_CALM", 5)
)

func TestDowntime(t *testing.T) {
	t.Parallel() // beside other tests that measure: see doc.go
	tg, dir := newTarget(t), t.TempDir()
	env := "PORT=" + strings.TrimPrefix(freePort(t), "127.0.0.1:")
	p, machine := serve(t, dir, env), watchStalls(t)
	ids := p.importJobs(everySecond(downJobs, tg.url+"/ok"))
	first := (time.Now().UnixMilli()/1000 + 2) * 1000
	pass(first + int64(quietSeconds)*1000 + 500)
	p.kill()
	down := time.Now().UnixMilli()
	pass(down + int64(downSeconds)*1000)
	p = serve(t, dir, env)
	up := time.Now().UnixMilli()
	want := float64((up/1000 - down/1000) * int64(downJobs))
	within(t, maxWait+time.Duration(downSeconds)*time.Second, "the late fires are on record", func() bool {
		return p.metric("belfry_late_fires_total") >= want-float64(11*downJobs) &&
			p.metric("belfry_watermark_lag_seconds") < 3
	})
	caughtUp := time.Now().UnixMilli()
	pass(caughtUp + int64(quietSeconds)*1000)
	last := (time.Now().UnixMilli()/1000 - 1) * 1000
	tg.waitFor(t, ids, first, last)
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d after SIGTERM", code)
	}
	tg.stop()
	tellDowntime(t, machine, tg, len(ids), downtime{first: first, down: down, up: up, caughtUp: caughtUp, last: last})
}

// downtime is when what happened, in Unix milliseconds.
type downtime struct{ first, down, up, caughtUp, last int64 }

// tellDowntime checks that each job was sent each second and that live fires did not
// wait for late ones, and logs the figures.
func tellDowntime(t *testing.T, machine *stalls, tg *target, jobs int, d downtime) {
	t.Helper()
	var before, during, after histogram
	perSecond := make([]histogram, 1+(d.caughtUp-d.up)/1000)
	got := make(map[int64]int)
	late, firstLate, lastLate := 0, int64(0), int64(0)
	seen := make(map[receiver.Entry]bool)
	for e, err := range receiver.ReadLog(tg.log) {
		if err != nil {
			t.Fatal(err)
		}
		key := receiver.Entry{JobID: e.JobID, ScheduledAt: e.ScheduledAt}
		if e.ScheduledAt < d.first || e.ScheduledAt > d.last || seen[key] {
			continue
		}
		seen[key] = true
		got[e.ScheduledAt]++
		drift := e.ReceivedAt - e.ScheduledAt
		switch {
		case e.ReceivedAt < d.down:
			before.add(drift)
		case e.ScheduledAt <= d.up:
			late++
			lastLate = max(lastLate, e.ReceivedAt)
			if firstLate == 0 {
				firstLate = e.ReceivedAt
			}
		case e.ScheduledAt < d.caughtUp:
			during.add(drift)
			s := min(int(e.ScheduledAt-d.up)/1000, len(perSecond)-1)
			perSecond[s].add(drift)
		default:
			after.add(drift)
		}
	}
	missing := 0
	for at := d.first; at <= d.last; at += 1000 {
		missing += jobs - got[at]
	}
	if missing != 0 {
		t.Errorf("%d fires are missing", missing)
	}
	took := max(1, lastLate-firstLate)
	t.Logf("%d jobs a second, %d s down: %d late fires in %d ms (%d a second), the first %d ms after the server was up",
		jobs, (d.up-d.down)/1000, late, took, int64(late)*1000/took, firstLate-d.up)
	if os.Getenv("BELFRY_DOWNTIME_SECONDS") != "" {
		for s := range perSecond {
			t.Logf("live fires of second %d after the start: p99 %d ms", s, perSecond[s].percentile(99))
		}
	}
	for _, row := range []struct {
		when string
		h    *histogram
	}{{"before", &before}, {"while late fires go out", &during}, {"after", &after}} {
		t.Logf("live fires %-24s p50 %4d ms, p99 %4d ms, max %4d ms", row.when, row.h.percentile(50),
			row.h.percentile(99), row.h.percentile(100))
		if p99 := row.h.percentile(99); p99 >= 0 { // all may have been caught up before the next second
			machine.wantTimely(t, "99 % of the live fires "+row.when, int64(p99))
		}
	}
	if late < downSeconds*jobs/2 || slices.Contains([]int64{firstLate, lastLate}, 0) {
		t.Errorf("%d late fires: there was no gap to speak of", late)
	}
}
