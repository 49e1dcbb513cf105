package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"encoding/xml"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/bench"
)

// reportOf runs measurements, small, and returns their report.
func reportOf(t *testing.T, args ...string) (r bench.Report) {
	t.Helper()
	out := benchOutput(t, append(args, "--json", "--quick")...)
	if err := json.Unmarshal([]byte(out), &r); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	return r
}

// wantBurst checks a burst: all of it was sent.
func wantBurst(t *testing.T, b bench.Burst) {
	t.Helper()
	if !b.Complete || b.Lateness.Count != int64(b.Jobs*b.Seconds) {
		t.Errorf("%+v", b)
	}
}

// Every measurement, small: what must be true of its report at any speed. This one
// looks for the limit of the machine, and runs alone.
func TestBenchThroughput(t *testing.T) {
	report := reportOf(t, "throughput", "--seconds", "2", "--from", "8", "--steps", "2")
	if report.Machine.Cores < 1 || report.Version == "" {
		t.Errorf("machine %+v, version %q", report.Machine, report.Version)
	}
	th := report.Throughput
	// A rate that was not sustained is tried twice, and then half of it.
	if th == nil || len(th.Steps) < 2 || len(th.Steps) > 4 || th.Recorded.PerSecond <= 0 || th.OfRecord <= 0 ||
		th.Bare.PerSecond <= 0 || th.Sustained.Jobs < 4 || th.Ratio <= 0 {
		t.Fatalf("throughput %+v", th)
	}
	wantDrift(t, th.Sustained)
	for _, d := range th.Steps {
		wantOrder(t, d)
	}
}

// wantDrift checks that all was sent, and that some of it took time.
func wantDrift(t *testing.T, d bench.Burst) {
	t.Helper()
	wantBurst(t, d)
	if d.Lateness.Max <= 0 {
		t.Errorf("%+v", d)
	}
}

// wantOrder checks that percentiles are in their order.
func wantOrder(t *testing.T, d bench.Burst) {
	t.Helper()
	if l := d.Lateness; l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max {
		t.Errorf("%+v", d)
	}
}

func TestBenchDrift(t *testing.T) {
	t.Parallel()
	drift := reportOf(t, "drift", "--seconds", "2", "--jobs", "30").Drift
	if len(drift) != 2 || drift[0].JitterMs != 0 || drift[1].JitterMs != 1000 {
		t.Fatalf("drift %+v", drift)
	}
	for _, d := range drift {
		wantDrift(t, d)
		wantOrder(t, d)
	}
}

func TestBenchCreateAndHistory(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	report := reportOf(t, "create", "history", "--seconds", "2", "--clients", "2", "--rows", "20000", "--days", "2",
		"--folder", folder)
	if c := report.Create; len(c) != 2 || c[0].Clients != 2 || c[0].Jobs < 1 || c[1].Jobs != 10_000 {
		t.Errorf("create %+v", c)
	}
	checkHistory(t, report.History)
	remaining, err := exec.Command("find", folder, "-name", "*.db").Output()
	if err != nil || len(bytes.TrimSpace(remaining)) > 0 {
		t.Errorf("left behind: %s %v", remaining, err)
	}
}

func TestBenchLoneAndRecovery(t *testing.T) {
	t.Parallel()
	report := reportOf(t, "lone", "recovery", "--seconds", "2", "--jobs", "20")
	if l := report.Lone; l == nil || l.Belfry.Count != 2 || l.Timer.Count < 2 {
		t.Errorf("lone %+v", l)
	}
	if p := report.Recovery; len(p) != 1 || p[0].FirstMs <= 0 || p[0].CaughtUpMs < p[0].FirstMs || p[0].Late < 20 ||
		p[0].DownMs < 2000 {
		t.Errorf("recovery %+v", p)
	}
}

func TestBenchTraffic(t *testing.T) {
	t.Parallel()
	traffic := reportOf(t, "traffic", "--seconds", "2", "--rate", "50").Traffic
	if traffic != nil && (traffic.Reads < 100 || traffic.Imported == 0) { // cut off by the end: again, with more time
		traffic = reportOf(t, "traffic", "--seconds", "15", "--rate", "50").Traffic
	}
	if traffic == nil || traffic.Reads < 100 || traffic.Imported != 2_000 {
		t.Fatalf("traffic %+v", traffic)
	}
	wantBurst(t, traffic.Alone)
	wantBurst(t, traffic.With)
}

func TestBenchEvents(t *testing.T) {
	t.Parallel()
	pages := reportOf(t, "events", "--seconds", "4", "--rate", "50", "--pages", "6").Pages
	if pages == nil || pages.Pages != 6 || pages.Events < 6 || pages.Answers < 10 || pages.Bytes == 0 {
		t.Fatalf("pages %+v", pages)
	}
	wantBurst(t, pages.Alone)
	wantBurst(t, pages.With)
}

func TestBenchBulk(t *testing.T) {
	t.Parallel()
	bulk := reportOf(t, "bulk", "--seconds", "2", "--rate", "50").Bulk
	if len(bulk) != 6 {
		t.Fatalf("%+v", bulk)
	}
	for i, m := range bulk {
		if i > 0 && (m.Jobs != 2_000 || m.Seconds <= 0 || m.CPUMicros <= 0 || m.MatchedMs <= 0) {
			t.Errorf("%+v", m)
		}
		if m.Action != "TRIGGER" {
			wantBurst(t, *m.Beside)
		}
	}
}

// Half of its time goes by until calls of a dead host have used up theirs.
func TestBenchInFlight(t *testing.T) {
	t.Parallel()
	report := reportOf(t, "inflight", "--seconds", "2", "--rate", "50", "--calls", "20")
	if p := report.InFlight; len(p) != 1 || p[0].InFlight != 20 || p[0].PerSecond < 1 ||
		p[0].Burst.Lateness.Count < 200 {
		t.Errorf("inflight %+v", p)
	}
	if p := report.DeadHost; p == nil || p.Dead != 20 {
		t.Errorf("dead host %+v", p)
	} else {
		wantBurst(t, p.Alone)
		wantBurst(t, p.With)
	}
}

func TestBenchBig(t *testing.T) {
	t.Parallel()
	p := reportOf(t, "big", "--seconds", "2", "--many", "500").Big
	if len(p) != 1 || p[0].Jobs != 500 || p[0].StartMs <= 0 || p[0].DiskPerJob <= 0 || p[0].CreateAfter <= 0 {
		t.Fatalf("big %+v", p)
	}
	wantBurst(t, p[0].Burst)
}

// Calls to many hosts, by both protocols, at rates that any machine sustains.
func TestBenchTLS(t *testing.T) {
	t.Parallel()
	runs := reportOf(t, "tls", "--parts", "throughput,cold,overload", "--hosts", "3", "--seconds", "1", "--from", "200",
		"--steps", "1", "--overload-seconds", "2").TLS
	if len(runs) != 1 || len(runs[0].Faults) > 0 || runs[0].Bare == nil || runs[0].Throughput == nil ||
		len(runs[0].Cold) != 2 || len(runs[0].Overload) != 1 {
		t.Fatalf("%+v", runs)
	}
	r := runs[0]
	if r.Bare.HTTP1.PerSecond <= 0 || r.Bare.HTTP2.PerSecond <= 0 || r.Bare.HandshakesPerSecond <= 0 ||
		r.Bare.LoneMs <= 0 {
		t.Errorf("bare loops %+v", r.Bare)
	}
	if s := r.Throughput.Sustained; s.Jobs != 200 || s.Connections.Most < 3 || s.Handshakes.Full < 1 {
		t.Errorf("sustained %+v", s)
	}
	for _, d := range r.Cold {
		wantDrift(t, d)
		if d.Connections.Most < 3 || d.Handshakes.Begun < 3 {
			t.Errorf("cold %+v", d)
		}
	}
	if o := r.Overload[0]; o.Rate != 400 || o.After != 100 || o.Goodput <= 0 || len(o.Series) < 5 || o.OnTimeMs < 0 {
		t.Errorf("overload %+v", o)
	}
}

func TestBenchHostsWithoutTLS(t *testing.T) {
	t.Parallel()
	runs := reportOf(t, "tls", "--scheme", "http", "--parts", "bare,busy,memory", "--hosts", "2",
		"--sustained", "20", "--busy-seconds", "2").TLS
	if len(runs) != 1 || len(runs[0].Faults) > 0 || runs[0].Bare == nil || runs[0].Memory == nil ||
		len(runs[0].Overload) != 1 {
		t.Fatalf("%+v", runs)
	}
	r := runs[0]
	if r.Bare.HTTP1.PerSecond <= 0 || r.Bare.HTTP2.PerSecond != 0 || r.Memory.Connections < 1 ||
		r.Memory.BytesPerConnection < 1 { // what two hosts take may be less than the noise
		t.Errorf("%+v, %+v", r.Bare, r.Memory)
	}
	if o := r.Overload[0]; !o.Busy || o.Rate != 20 || o.Share >= 1 || o.Goodput <= 0 || o.Series[0].Handshakes != 0 {
		t.Errorf("busy %+v", o)
	}
}

func TestBenchGrowth(t *testing.T) {
	t.Parallel()
	svg := filepath.Join(t.TempDir(), "growth.svg")
	checkGrowth(t, reportOf(t, "growth", "--svg", svg).Growth, svg)
}

func checkGrowth(t *testing.T, g *bench.Growth, svg string) {
	t.Helper()
	if g == nil || len(g.Curves) != 3 {
		t.Fatalf("growth %+v", g)
	}
	for _, c := range g.Curves {
		if len(c.Points) != 2 || c.Points[1].N != 10*c.Points[0].N || c.Points[0].MemoryMB < 1 {
			t.Errorf("%s: %+v", c.Name, c.Points)
		}
	}
	picture, err := os.ReadFile(svg)
	if err != nil {
		t.Fatal(err)
	}
	var doc struct{ XMLName xml.Name }
	if err := xml.Unmarshal(picture, &doc); err != nil || doc.XMLName.Local != "svg" {
		t.Errorf("no picture: %v", err)
	}
	if n := bytes.Count(picture, []byte("<polyline")); n != 9 {
		t.Errorf("%d lines in the picture, want 9", n)
	}
}

// checkHistory holds a report of 20,000 executions in two days against what must
// be true at any speed.
func checkHistory(t *testing.T, reports []bench.History) {
	t.Helper()
	if len(reports) != 1 || reports[0].Drop == nil || reports[0].Export == nil {
		t.Fatalf("history %+v", reports)
	}
	h := reports[0]
	if h.Rows != 20_000 || h.Days != 2 || h.Jobs != 1_000 || h.BytesPerRow < 30 || h.BytesPerRow > 150 {
		t.Errorf("history %+v", h)
	}
	var rows int64
	for _, i := range h.Inserts {
		if i.Before != rows || i.PerSecond <= 0 {
			t.Errorf("insert %+v after %d rows", i, rows)
		}
		rows += i.Rows
	}
	if rows != h.Rows || len(h.Queries) != 7 {
		t.Errorf("%d rows inserted, %d queries", rows, len(h.Queries))
	}
	for _, q := range h.Queries {
		if q.Count != 200 || q.P50Ms > q.P99Ms || q.P99Ms > q.MaxMs || q.MaxMs <= 0 {
			t.Errorf("%+v", q)
		}
	}
	if e := h.Export; e.Rows < 9_000 || e.Rows > 10_000 || e.Bytes < 200*e.Rows || e.PerSecond <= 0 {
		t.Errorf("export %+v", e)
	}
	if d := h.Drop; d.Rows != 10_000 || d.Ms <= 0 || d.Before.Commits < 1 || d.Before.Reads < 1 ||
		d.During.Commits < 1 || d.During.LongestCommitMs <= 0 {
		t.Errorf("drop %+v", d)
	}
}

// A history that was kept is not written again.
func TestBenchKeepsAHistory(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	for run := range 2 {
		h := reportOf(t, "history", "--rows", "20000", "--days", "2", "--keep", "--folder", folder).History[0]
		if wrote := len(h.Inserts) > 0; wrote != (run == 0) || len(h.Queries) != 7 || (h.Drop != nil) != (run == 0) {
			t.Errorf("run %d: %+v", run, h)
		}
	}
}

// TestBenchCluster: two servers share a database of the bench, and one of three is killed and stopped.
// Every fire arrives, and the bench leaves no database.
func TestBenchCluster(t *testing.T) {
	t.Parallel()
	server := newPostgres(t)
	c := reportOf(t, "cluster", "--database", server.URL("postgres"), "--nodes", "2", "--rate", "20", "--seconds", "2",
		"--down", "2s").Cluster
	if c == nil || len(c.Loads) != 1 || len(c.Ends) != 2 || c.Outage == nil {
		t.Fatalf("%+v", c)
	}
	wantBurst(t, c.Loads[0].Burst)
	if c.Loads[0].DatabaseMicros <= 0 {
		t.Errorf("the database used no processor time: %+v", c.Loads[0])
	}
	for _, e := range append(c.Ends, *c.Outage) {
		if e.Jobs <= 0 || e.FirstMs <= 0 {
			t.Errorf("%+v", e)
		}
	}
	conn, err := pgx.Connect(t.Context(), server.URL("postgres"))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	kept := 0
	err = conn.QueryRow(t.Context(), "SELECT count(*) FROM pg_database WHERE datname LIKE 'belfry_bench%'").Scan(&kept)
	if err != nil || kept > 0 {
		t.Errorf("the bench has not removed %d databases: %v", kept, err)
	}
}

func TestBenchTables(t *testing.T) {
	t.Parallel()
	out := benchOutput(t, "drift", "--seconds", "1", "--jobs", "10")
	for _, want := range []string{"belfry ", "cores", "Drift", "p99.9", "spread"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func benchOutput(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*maxWait) // some of it is waiting
	defer cancel()
	for tries := 1; ; tries++ {
		cmd := exec.CommandContext(ctx, binary, append([]string{"bench"}, args...)...)
		var stderr strings.Builder
		cmd.Env, cmd.Dir, cmd.Stderr = cleanEnv(), t.TempDir(), &stderr
		out, err := cmd.Output()
		switch {
		case err == nil:
			return string(out)
		case tries < 3 && strings.Contains(stderr.String(), "ms too long"):
			// A stall held an import up until its jobs were due: nothing was measured.
		default:
			t.Fatalf("%v\n%s", err, stderr.String())
		}
	}
}

// Names are looked up once for each host, and again when an answer ends.
func TestBenchNames(t *testing.T) {
	t.Parallel()
	runs := reportOf(t, "tls", "--scheme", "http", "--parts", "names", "--hosts", "3", "--sustained", "10",
		"--names-seconds", "3").TLS
	if len(runs) != 1 {
		t.Fatalf("%+v", runs)
	}
	if why := runs[0].Faults; len(why) > 0 && (strings.Contains(why[0], "needs port 53") ||
		strings.Contains(why[0], "unshare")) {
		t.Skip(why[0])
	}
	n := runs[0].Names
	if n == nil || len(runs[0].Faults) > 0 {
		t.Fatalf("%+v", runs)
	}
	if n.FirstLookups != 3 || n.Lookups < 3 || n.Lookups > 9 || n.DelayMs != 50 || n.TTLSeconds != 5 {
		t.Errorf("%+v", n)
	}
	for _, b := range []bench.Burst{n.First, n.FirstPlain, n.Known, n.Plain} {
		if !b.Complete || b.Jobs != 3 || b.JitterMs != 1000 || b.Lateness.Count < 1 {
			t.Errorf("%+v", b)
		}
	}
}
