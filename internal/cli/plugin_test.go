package cli

import (
	"errors"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// TestPluginResult: the code and the line of each state of a server.
func TestPluginResult(t *testing.T) {
	t.Parallel()
	health := func(checks map[string]client.Check) *client.Health {
		return &client.Health{Version: "1.2", Checks: checks}
	}
	full := &client.Metrics{}
	full.Jobs.Total, full.Jobs.Active = 5, 4
	full.Executions.Total, full.Executions.Failed, full.Executions.Missed, full.Executions.Unknown = 100, 3, 2, 1
	ready, unready := client.Readiness{Status: "ready"}, client.Readiness{Status: "unready"}
	warns, fails := ready, unready
	warns.Warning, fails.Failing = []string{"jobs", "history"}, []string{"store"}
	for _, c := range []struct {
		name  string
		found pluginFound
		code  int
		line  string
	}{
		{"all is well", pluginFound{ready: ready, health: health(nil), metrics: full}, 0,
			"BELFRY OK: ready, version 1.2 | jobs=5 active_jobs=4 executions=100c failed=3c missed=2c unknown=1c"},
		{"without a key", pluginFound{ready: ready}, 0, "BELFRY OK: ready"},
		{"warnings", pluginFound{ready: warns, health: health(map[string]client.Check{
			"jobs":    {OK: true, Warning: "2 jobs are set aside"},
			"history": {OK: true, Warning: "a day cannot | be\nread"},
		})}, 1, "BELFRY WARNING: history: a day cannot   be read; jobs: 2 jobs are set aside"},
		{"warnings without a key", pluginFound{ready: warns}, 1, "BELFRY WARNING: history; jobs"},
		{"a warning that has ended meanwhile", pluginFound{ready: warns, health: health(nil)}, 1,
			"BELFRY WARNING: history; jobs"},
		{"not ready", pluginFound{ready: fails, health: health(map[string]client.Check{
			"store": {Detail: "disk full", Warning: "another"},
		})}, 2, "BELFRY CRITICAL: store: disk full"},
		{"not ready, without a reason", pluginFound{ready: unready}, 2, "BELFRY CRITICAL: not ready"},
		{"no answer", pluginFound{err: errors.New("no server answers at http://x")}, 2,
			"BELFRY CRITICAL: no server answers at http://x"},
	} {
		code, line := c.found.result()
		if code != c.code || line != c.line {
			t.Errorf("%s: %d %q, want %d %q", c.name, code, line, c.code, c.line)
		}
		if strings.ContainsAny(line, "\n\r") || strings.Count(line, "|") > 1 {
			t.Errorf("%s: %q is not one line with one bar at most", c.name, line)
		}
	}
}
