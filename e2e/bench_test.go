package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"os/exec"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/bench"
)

// Every measurement, small: what must be true of its report at any speed.
func TestBench(t *testing.T) {
	folder := t.TempDir()
	var report bench.Report
	out := benchOutput(t, "--json", "--quick", "--seconds", "2", "--from", "50", "--steps", "2", "--jobs", "30", "--clients", "2", "--folder", folder)
	if err := json.Unmarshal([]byte(out), &report); err != nil {
		t.Fatalf("%v in %s", err, out)
	}
	if report.Machine.Cores < 1 || report.Version == "" {
		t.Errorf("machine %+v, version %q", report.Machine, report.Version)
	}
	th := report.Throughput
	if th == nil || len(th.Steps) != 2 || th.Bare.PerSecond < 100 || th.Sustained.Jobs < 50 || th.Ratio <= 0 {
		t.Fatalf("throughput %+v", th)
	}
	if len(report.Drift) != 2 || report.Drift[0].JitterMs != 0 || report.Drift[1].JitterMs != 1000 {
		t.Fatalf("drift %+v", report.Drift)
	}
	for _, d := range append(report.Drift, th.Steps...) {
		l := d.Lateness
		if !d.Complete || l.Count != int64(d.Jobs*d.Seconds) || l.P50 > l.P90 || l.P90 > l.P99 || l.P99 > l.P999 || l.P999 > l.Max || l.Max <= 0 {
			t.Errorf("%+v", d)
		}
	}
	if len(report.Create) != 2 || report.Create[0].Clients != 2 || report.Create[0].Jobs < 1 || report.Create[1].Jobs != 10_000 {
		t.Errorf("create %+v", report.Create)
	}
	left, err := exec.Command("find", folder, "-name", "*.db").Output()
	if err != nil || len(bytes.TrimSpace(left)) > 0 {
		t.Errorf("left behind: %s %v", left, err)
	}
}

func TestBenchTables(t *testing.T) {
	out := benchOutput(t, "drift", "--seconds", "1", "--jobs", "10")
	for _, want := range []string{"belfry ", "cores", "Drift", "p99.9", "spread"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
}

func benchOutput(t *testing.T, args ...string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append([]string{"bench"}, args...)...)
	var stderr strings.Builder
	cmd.Env, cmd.Dir, cmd.Stderr = cleanEnv(), t.TempDir(), &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr.String())
	}
	return string(out)
}
