package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

const rulesFolder = "../deploy/prometheus"

// TestPrometheusRules: the rules are valid, fire in the cases in which they must, and do not in the others.
func TestPrometheusRules(t *testing.T) {
	t.Parallel()
	promtool, env := unpackedProgram(t, "prometheus", "promtool")
	for _, args := range [][]string{{"check", "rules", "rules.yml"}, {"test", "rules", "rules_test.yml"}} {
		cmd := exec.CommandContext(t.Context(), promtool, args...)
		cmd.Dir, cmd.Env = rulesFolder, env
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %v: %v\n%s", args, err, out)
		}
	}
	rules, err := os.ReadFile(filepath.Join(rulesFolder, "rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	cases, err := os.ReadFile(filepath.Join(rulesFolder, "rules_test.yml"))
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`(?m)^ +- alert: (\w+)$`).FindAllSubmatch(rules, -1) {
		if !strings.Contains(string(cases), fmt.Sprintf("alertname=%q", m[1])) {
			t.Errorf("no case lets %s fire", m[1])
		}
	}
}

// board is what is read of deploy/grafana/belfry.json.
type board struct {
	Panels []struct {
		Title   string `json:"title"`
		Type    string `json:"type"`
		Targets []struct {
			Expr string `json:"expr"`
		} `json:"targets"`
	} `json:"panels"`
}

// noData are panels without data on a server without PostgreSQL.
var noData = map[string]bool{"Shards": true, "Shards of each server": true, "PostgreSQL takes": true}

// TestBoardOfARunningServer: a Prometheus scrapes a server that fires jobs, with the rules; each query of the board is
// understood, and has an answer if there is something to show.
func TestBoardOfARunningServer(t *testing.T) {
	t.Parallel()
	prometheus, env := unpackedProgram(t, "prometheus", "prometheus")
	raw, err := os.ReadFile("../deploy/grafana/belfry.json")
	if err != nil {
		t.Fatal(err)
	}
	var b board
	if err := json.Unmarshal(raw, &b); err != nil {
		t.Fatal(err)
	}
	tg := newTarget(t)
	p := serve(t, t.TempDir(), "BELFRY_ALERT_URL="+tg.url+"/ok")
	p.importJobs(everySecond(5, tg.url+"/ok") + everySecond(2, tg.url+"/slow?ms=900")) // in flight
	if status, _ := doWith(t, "POST", p.url+"/jobs", "{}", "Origin", "https://other.example"); status != 403 {
		t.Errorf("a page of another origin: %d", status)
	}
	at := "http://" + startPrometheus(t, prometheus, env, p.url)

	asked := 0
	for _, panel := range b.Panels {
		for _, target := range panel.Targets {
			asked++
			expr := strings.NewReplacer("$job", "belfry", "$instance", ".*", "$__rate_interval", "1m").
				Replace(target.Expr)
			eventually(t, panel.Title+" has data: "+expr, func() bool {
				n := samplesOf(t, at, expr)
				return n > 0 || noData[panel.Title]
			})
		}
	}
	if asked < 47 {
		t.Errorf("the board has %d queries", asked)
	}
	if n := samplesOf(t, at, `ALERTS{severity="critical"}`); n != 0 {
		t.Errorf("%d critical alerts of a server that is well", n)
	}
	for name := range metricsOf(string(raw)) {
		if !strings.HasPrefix(name, "belfry_cluster_") && samplesOf(t, at, `{__name__="`+name+`"}`) == 0 {
			t.Errorf("a running server has no metric %s", name)
		}
	}
}

// startPrometheus starts a Prometheus with the rules of the repository, and returns its address.
func startPrometheus(t *testing.T, program string, env []string, server string) (addr string) {
	t.Helper()
	dir := t.TempDir()
	rules, err := filepath.Abs(filepath.Join(rulesFolder, "rules.yml"))
	if err != nil {
		t.Fatal(err)
	}
	config := fmt.Sprintf("global: {scrape_interval: 1s, evaluation_interval: 1s}\nrule_files: [%q]\nscrape_configs:\n"+
		"  - job_name: belfry\n    static_configs: [{targets: [%q]}]\n", rules, strings.TrimPrefix(server, "http://"))
	if err := os.WriteFile(filepath.Join(dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	addr = freePort(t)
	cmd := exec.Command(program, "--config.file=prometheus.yml", "--storage.tsdb.path=data",
		"--web.listen-address="+addr)
	cmd.Dir, cmd.Env = dir, env
	var log strings.Builder
	cmd.Stdout, cmd.Stderr = &log, &log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus: %s", tail(log.String(), 2000))
		}
	})
	eventually(t, "Prometheus answers", func() bool {
		res, err := http.Get("http://" + addr + "/-/ready")
		if err != nil {
			return false
		}
		_ = res.Body.Close()
		return res.StatusCode == http.StatusOK
	})
	return addr
}

// samplesOf returns how many samples an expression has now. One that is not understood is an error.
func samplesOf(t *testing.T, at, expr string) int {
	t.Helper()
	status, body := ask(t, "GET", at+"/api/v1/query?query="+url.QueryEscape(expr), "", "")
	if status != http.StatusOK {
		t.Fatalf("%s: %d %v", expr, status, body)
	}
	data, _ := body["data"].(map[string]any)
	result, _ := data["result"].([]any)
	return len(result)
}

// metricsOf returns the names of Belfry's metrics in a text, without the suffixes of histograms.
func metricsOf(text string) map[string]bool {
	names := make(map[string]bool)
	for _, name := range regexp.MustCompile(`\bbelfry_[a-z0-9_]+`).FindAllString(text, -1) {
		names[name] = true
	}
	return names
}
