package e2e

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
)

// failpointPasses is at how many of the passes of each seam the server dies.
var failpointPasses = fromEnv("BELFRY_FAILPOINT_PASSES", 1)

// seams are the failpoints, each with the passes at which the server dies.
var seams = []struct {
	name   string
	passes []int
}{
	{"engine.sent", []int{40, 1, 333}},   // sent, not on record
	{"engine.recorded", []int{7, 1, 60}}, // on record, W does not know
	{"edit.committed", []int{5, 1}},      // durable, not in the timetable
	{"edit.applied", []int{5, 1}},        // in the timetable, not answered
	{"edit.created", []int{2, 1}},        // a job is durable, not in the timetable
	{"sqlite.committed", []int{30, 5}},   // a commit that was not acknowledged
	{"edit.import-chunk", nil},           // TestKilledInTheMiddleOfAnImport
}

// buildFailing makes the binary with failpoints, once.
var buildFailing = sync.OnceValue(func() error {
	build := exec.Command("go", "build", "-trimpath", "-tags", "failpoint", "-o", failing, "../cmd/belfry")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("building the binary with failpoints: %w\n%s", err, out)
	}
	return nil
})

func needFailing(t *testing.T) {
	t.Helper()
	if err := buildFailing(); err != nil {
		t.Fatal(err)
	}
}

func TestOnlyTheTagBringsFailpoints(t *testing.T) {
	t.Parallel()
	needFailing(t)
	for path, want := range map[string]bool{binary: false, failing: true} {
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append([]string{"BELFRY_FAILPOINT"}, seamNames()...) {
			if got := bytes.Contains(content, []byte(name)); got != want {
				t.Errorf("%s holds %q: %v, want %v", path, name, got, want)
			}
		}
	}
}

func seamNames() []string {
	names := make([]string, len(seams))
	for i, s := range seams {
		names[i] = s.name
	}
	return names
}

// TestKilledAtASeam lets a server under load and edits die at a seam, starts
// it again, and asks the checker.
func TestKilledAtASeam(t *testing.T) {
	t.Parallel()
	needFailing(t)
	for _, seam := range seams {
		for _, pass := range seam.passes[:min(len(seam.passes), failpointPasses)] {
			failpoint := fmt.Sprintf("%s=kill@%d", seam.name, pass)
			t.Run(failpoint, func(t *testing.T) {
				t.Parallel()
				killAt(t, failpoint)
			})
		}
	}
}

func killAt(t *testing.T, failpoint string) {
	m := newTorturedServer(t, rand.New(rand.NewPCG(7, 7)))
	m.dir = t.TempDir()
	m.p = serve(t, m.dir, m.env...) // the jobs are there before the seam is armed
	m.importMany(50)
	from := (time.Now().UnixMilli()/1000 + 1) * 1000
	pass(from)
	down := check.Outage{From: time.Now().UnixMilli()}
	if code := m.p.terminate(); code != 0 {
		t.Fatalf("exit code %d after SIGTERM", code)
	}
	m.p = serveWith(t, failing, m.dir, append(m.env, "BELFRY_FAILPOINT="+failpoint)...)
	down.To = time.Now().UnixMilli()
	m.outages = append(m.outages, down)
	out := m.runUntilKilled()
	m.p = serve(t, m.dir, m.env...)
	out.To = time.Now().UnixMilli()
	m.outages = append(m.outages, out)
	m.resolveUnanswered()
	m.runFor(1500 * time.Millisecond)
	m.judge(from, (time.Now().UnixMilli()/1000-1)*1000)
}

// runUntilKilled lets the client work until the server has killed itself.
func (m *torturedServer) runUntilKilled() check.Outage {
	deadline := time.After(maxWait)
	for {
		select {
		case <-m.p.exit:
			if code := m.p.cmd.ProcessState.ExitCode(); code != -1 {
				m.t.Fatalf("the server ended with exit code %d, not by a signal", code)
			}
			return check.Outage{From: time.Now().UnixMilli()}
		case <-deadline:
			m.t.Fatal("the server does not come to the failpoint")
		default:
			m.runFor(20 * time.Millisecond)
		}
	}
}

// TestKilledInTheMiddleOfAnImport: chunks that were committed are there whole,
// the others not at all, and the rest can be imported after the restart.
func TestKilledInTheMiddleOfAnImport(t *testing.T) {
	t.Parallel()
	needFailing(t)
	const all, chunk = 5_000, 2_000
	lines := strings.SplitAfter(strings.TrimSuffix(strings.ReplaceAll(everySecond(all, "http://127.0.0.1:9/"),
		"* * * * * *", "0 0 1 1 *"), "\n"), "\n")
	for _, tc := range []struct {
		failpoint string
		kept      int
	}{
		{"edit.import-chunk=kill@1", 0}, {"edit.import-chunk=kill@2", chunk}, {"edit.import-chunk=kill@3", 2 * chunk},
		{"edit.created=kill@1", chunk}, {"edit.created=kill@2", 2 * chunk}, {"edit.created=kill@3", all},
	} {
		t.Run(tc.failpoint, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			p := serveWith(t, failing, dir, "BELFRY_FAILPOINT="+tc.failpoint)
			if _, err := p.api.Jobs.Import(t.Context(), client.Lines,
				strings.NewReader(strings.Join(lines, ""))); err == nil {
				t.Fatal("the import was answered by a server that was to die")
			}
			<-p.exit
			p = serve(t, dir)
			if got := p.countJobs(); got != tc.kept {
				t.Fatalf("%d jobs after the restart, want %d", got, tc.kept)
			}
			if tc.kept < all {
				p.importJobs(strings.Join(lines[tc.kept:], ""))
			}
			if got := p.countJobs(); got != all {
				t.Errorf("%d jobs after the rest was imported, want %d", got, all)
			}
		})
	}
}

func (p *process) countJobs() (n int) {
	p.t.Helper()
	for _, err := range p.api.Jobs.List(p.t.Context(), client.JobFilter{}) {
		if err != nil {
			p.t.Fatal(err)
		}
		n++
	}
	return n
}
