package e2e

import (
	"context"
	"encoding/json"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/receiver"
)

// receive runs a receiver until the test ends, and returns its URLs.
func receive(t *testing.T, cfg receiver.Config) []string {
	t.Helper()
	cfg.Addr = "127.0.0.1:0"
	r, err := receiver.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("receiver: %v", err)
		}
	})
	return r.URLs()
}

// GET /hosts, `belfry hosts` and /metrics show three https hosts that answer, one that
// accepts connections and never answers, and one that refuses them.
func TestHostsAreShown(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	answering := receive(t, receiver.Config{TLS: true, Ports: 3, CAFile: ca})
	silent, refusing := receive(t, receiver.Config{Dead: true})[0], "http://"+freePort(t)
	p := serve(t, t.TempDir(), "BELFRY_EGRESS_CA_FILE="+ca)
	defer p.kill() // calls to the silent host would take half a minute to end
	var jobs strings.Builder
	for _, url := range answering {
		jobs.WriteString(everySecond(1, url+"/ok"))
	}
	jobs.WriteString(everySecond(20, silent+"/ok") + everySecond(20, refusing+"/ok"))
	p.importJobs(jobs.String())

	hosts := make(map[string]client.Host)
	read := func() {
		t.Helper()
		got, err := p.api.Hosts(t.Context(), client.HostsRequest{})
		if err != nil || got.Total != len(got.Hosts) {
			t.Fatalf("%d of %d hosts, %v", len(got.Hosts), got.Total, err)
		}
		clear(hosts)
		for _, h := range got.Hosts {
			hosts[h.Host] = h
		}
	}
	within(t, 20*time.Second, "hosts that answer, are silent and refuse", func() bool {
		read()
		for _, url := range answering {
			if h := hosts[url]; h.State != "answering" || h.RecentCalls < 2 {
				return false
			}
		}
		return hosts[silent].State == "silent" && hosts[refusing].State == "refusing"
	})
	if len(hosts) != 5 {
		t.Errorf("%d hosts", len(hosts))
	}
	for _, url := range answering {
		h := hosts[url]
		switch {
		case h.UsualMs == nil, h.QuickestMs == nil, h.Certificate == nil, h.Handshakes == nil:
			t.Errorf("%+v", h)
		case h.Handshakes.Full < 1, h.Connections.Open < 1, !h.Certificate.Verified, h.Certificate.Reason != nil,
			h.Certificate.ExpiresAt <= time.Now().UnixMilli(), *h.QuickestMs > *h.UsualMs,
			h.Unanswered != client.Unanswered{}, h.LastError != nil, h.Connections.HTTP2 > 0:
			t.Errorf("%+v, %+v, %+v", h, h.Handshakes, h.Certificate)
		}
	}
	if h := hosts[silent]; h.Calls < 17 || h.Unanswered.Connections < 17 || h.UsualMs != nil || h.Certificate != nil ||
		h.Limit == nil {
		t.Errorf("%+v", h)
	}
	if h := hosts[refusing]; h.Unanswered.Failed < 17 || h.Connections.Open > 0 || h.Handshakes != nil ||
		h.LastError == nil || h.LastError.Error != "connection refused by "+strings.TrimPrefix(refusing, "http://") ||
		time.Since(time.UnixMilli(h.LastError.At)) > time.Minute {
		t.Errorf("%+v, %+v", h, h.LastError)
	}

	env := cleanEnv("BELFRY_SERVER=" + p.url)
	code, table := runOut(t, env, "hosts")
	if !regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(refusing) +
		` +refusing .*Z connection refused by `).MatchString(table) {
		t.Errorf("the table has no error:\n%s", table)
	}
	line := regexp.MustCompile(`(?m)^` + regexp.QuoteMeta(silent) + ` +silent +\d+/\d+ `)
	if code != 0 || !line.MatchString(table) || strings.Count(table, "https://") != 3 {
		t.Errorf("exit code %d\n%s", code, table)
	}
	var first client.Hosts
	code, text := runOut(t, env, "hosts", "--sort", "certificate", "--limit", "1", "--json")
	if err := json.Unmarshal([]byte(text), &first); code != 0 || err != nil || len(first.Hosts) != 1 ||
		first.Total != 5 || first.Hosts[0].Certificate == nil {
		t.Errorf("exit code %d\n%s", code, text)
	}
	missing := ""
	defer func() {
		if missing != "" {
			t.Errorf("there is no %s", missing)
		}
	}()
	eventually(t, "metrics of hosts", func() bool {
		metrics := p.metrics(t)
		for _, line := range []string{
			`belfry_hosts{state="silent"} 1`, `belfry_hosts{state="refusing"} 1`, `belfry_hosts{state="answering"} 3`,
			`belfry_busy_host_calls{host="` + silent + `"} `, `belfry_busy_host_limit{host="` + silent + `"} `,
			`belfry_busy_host_queued{host="` + silent + `"} `, `belfry_busy_host_connections{host="` + silent + `"} `,
			`belfry_busy_host_call_seconds{host="` + silent + `"} 0`,
		} {
			if !strings.Contains(metrics, "\n"+line) {
				missing = line
				return false
			}
		}
		missing = ""
		return true
	})
}

// A host that is called seldom refuses as soon as its only call was refused, and answers as soon as one was answered.
func TestAHostThatRefusesSeldomCallsIsShown(t *testing.T) {
	t.Parallel()
	tg := newTarget(t)
	tg.stop()
	p := serve(t, t.TempDir())
	id := p.importJobs(`{"schedule":"0 0 1 1 *","api":"` + tg.url + `/ok","type":"ATLEAST_ONCE",` +
		`"retry":{"maxRetries":0}}`)[0]
	call := func() {
		t.Helper()
		if _, err := p.api.Jobs.Trigger(t.Context(), id); err != nil {
			t.Fatal(err)
		}
	}
	state := func() string {
		t.Helper()
		got, err := p.api.Hosts(t.Context(), client.HostsRequest{Host: tg.url})
		if err != nil {
			t.Fatal(err)
		}
		for _, h := range got.Hosts {
			return h.State
		}
		return "unknown"
	}
	call()
	eventually(t, "it refuses after one call", func() bool { return state() == "refusing" })
	if n := p.metric("belfry_hosts"); n != 1 {
		t.Errorf("%v hosts", n)
	}
	tg.resume(t)
	call()
	eventually(t, "it answers after one call", func() bool { return state() == "answering" })
}
