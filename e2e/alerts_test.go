package e2e

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

const alertSecret = "whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA=="

// notice is a message of a webhook.
type notice struct {
	ID   string `json:"-"`
	Type string `json:"type"`
	Data struct {
		Title  string `json:"title"`
		Groups []struct {
			Key      string `json:"key"`
			Jobs     int    `json:"jobs"`
			AllJobs  int    `json:"allJobs"`
			Failures int64  `json:"failures"`
		} `json:"groups"`
	} `json:"data"`
}

// pager is a webhook for alerts. Until it is opened it answers 503.
type pager struct {
	*httptest.Server
	mu      sync.Mutex
	open    bool
	refused int
	got     []notice
}

func newPager(t *testing.T) *pager {
	t.Helper()
	p := new(pager)
	verifier, err := standardwebhooks.NewWebhook(alertSecret)
	if err != nil {
		t.Fatal(err)
	}
	p.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		n := notice{ID: r.Header.Get("Webhook-Id")}
		if err == nil {
			err = verifier.Verify(body, r.Header)
		}
		if err == nil {
			err = json.Unmarshal(body, &n)
		}
		if err != nil {
			t.Errorf("a message: %v\n%s", err, body)
		}
		p.mu.Lock()
		defer p.mu.Unlock()
		if !p.open {
			p.refused++
			w.WriteHeader(http.StatusServiceUnavailable)
			return
		}
		p.got = append(p.got, n)
	}))
	t.Cleanup(p.Close)
	return p
}

func (p *pager) messages() []notice {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.got)
}

func (p *pager) attempts() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.refused
}

// TestAlertsSurviveKills: 2,000 jobs fail at one host, and the server is killed before anybody was told, while the
// webhook refuses the message, and after it was told. There is one message, with all jobs; then one that it is over.
func TestAlertsSurviveKills(t *testing.T) {
	t.Parallel()
	const jobs = 2_000
	hook := newPager(t)
	var mu sync.Mutex
	broken := true
	failing := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if !broken {
			return
		}
		http.Error(w, "out of disks", http.StatusNotFound) // final at once
	}))
	defer failing.Close()
	dir := t.TempDir()
	env := []string{"BELFRY_ALERT_URL=" + hook.URL + "/T0KEN-0123456789", "BELFRY_SIGNING_SECRET=" + alertSecret}
	start := func() *process { return serve(t, dir, env...) }

	p := start()
	var lines strings.Builder
	for i := range jobs {
		fmt.Fprintf(&lines, `{"name":"job %d","schedule":"*/10 * * * * *","api":"%s","type":"ATLEAST_ONCE"}`+"\n", i,
			failing.URL)
	}
	p.importJobs(lines.String())
	eventually(t, "the jobs fail", func() bool { return openAlerts(t, p) })
	p.kill() // the message waits for others of the host: it is not sent yet
	if n := hook.attempts(); n != 0 {
		t.Logf("a message was sent before the kill") // a slow machine
	}
	p = start()
	eventually(t, "the message is refused", func() bool { return hook.attempts() > 0 })
	p.kill()
	hook.mu.Lock()
	hook.open = true
	hook.mu.Unlock()
	p = start()
	eventually(t, "the message arrives", func() bool { return len(hook.messages()) > 0 })
	p.kill()
	p = start()
	<-time.After(3 * time.Second)
	got := hook.messages()
	for _, n := range got {
		if n.ID != got[0].ID { // at least once, with one id
			t.Errorf("two messages: %+v", got)
		}
	}
	if g := got[0].Data.Groups; got[0].Type != "alert.opened" || len(g) != 1 || g[0].Jobs != jobs ||
		!strings.Contains(got[0].Data.Title, "2,000 jobs") {
		t.Errorf("the message is %+v, of %d jobs", got[0], jobs)
	}
	mu.Lock()
	broken = false
	mu.Unlock()
	eventually(t, "it is told that it is over", func() bool {
		all := hook.messages()
		return all[len(all)-1].Type == "alert.recovered"
	})
	if all := hook.messages(); len(all) > len(got)+2 {
		t.Errorf("%d messages: %+v", len(all), all)
	}
	if strings.Contains(p.log(), "T0KEN") || strings.Contains(p.log(), "YSBz") {
		t.Error("the log shows a secret")
	}
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
}

// openAlerts reports whether there are open alerts.
func openAlerts(t *testing.T, p *process) bool {
	t.Helper()
	_, answer := ask(t, http.MethodGet, p.url+"/observability/alerts?limit=1&open=true", "", "")
	list, _ := answer["alerts"].([]any)
	return len(list) > 0
}
