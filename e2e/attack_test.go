package e2e

import (
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// TestAttackDoesNotDelayFires keeps three thousand connections to a server open
// while jobs fire each second. A third of them are silent, a third send a request
// byte by byte, and a third guess keys. No fire may be lost or late, probes must be
// answered, and a client with the key must be served.
func TestAttackDoesNotDelayFires(t *testing.T) {
	const each = 1_000
	tg := newTarget(t)
	p := serve(t, t.TempDir())
	key, err := p.api.Keys.Create(t.Context(), client.NewKey{Name: "ops", Role: "admin"})
	if err != nil {
		t.Fatal(err)
	}
	addr := strings.TrimPrefix(p.url, "http://")
	request := func(path, body string) int {
		method := http.MethodGet
		if body != "" {
			method = http.MethodPost
		}
		req, err := http.NewRequestWithContext(t.Context(), method, p.url+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Content-Type", "application/json")
		req.Close = true
		if path != "/healthz" {
			req.Header.Set("Authorization", "Bearer "+key.Text)
		}
		res, err := http.DefaultClient.Do(req)
		if err != nil {
			t.Errorf("%s: %v", path, err)
			return 0
		}
		_, _ = io.Copy(io.Discard, res.Body)
		_ = res.Body.Close()
		return res.StatusCode
	}
	for i := range 10 {
		job := fmt.Sprintf(`{"schedule":"* * * * * *","api":"%s/ok/%d","type":"ATLEAST_ONCE"}`, tg.url, i)
		if status := request("/jobs", job); status != http.StatusCreated {
			t.Fatalf("POST /jobs: %d", status)
		}
	}

	stop := make(chan struct{})
	var attacks sync.WaitGroup
	defer attacks.Wait()
	defer close(stop)
	for i := range 3 * each {
		c, err := net.Dial("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		attacks.Go(func() { attack(c, i%3, stop) })
	}
	began, machine := time.Now().UnixMilli(), watchStalls(t)
	for time.Now().UnixMilli() < began+6_000 {
		if status := request("/healthz", ""); status != http.StatusOK {
			t.Errorf("GET /healthz: %d", status)
		}
		if status := request("/jobs?limit=1", ""); status != http.StatusOK { // the guesses come from this address too

			t.Errorf("GET /jobs: %d", status)
		}
	}
	var late int64
	eventually(t, "ten fires of each of five seconds have arrived", func() bool {
		fires := map[int64]int{}
		for _, e := range tg.entries(t) {
			if e.ScheduledAt >= began && e.ScheduledAt < began+5_000 {
				fires[e.ScheduledAt]++
				late = max(late, e.ReceivedAt-e.ScheduledAt)
			}
		}
		whole := 0
		for _, n := range fires {
			if n == 10 {
				whole++
			}
		}
		return whole == 5
	})
	machine.wantTimely(t, "the latest fire under attack", late)
}

// attack keeps one connection open, in one of the three ways, until the server
// closes it or the attack ends.
func attack(c net.Conn, way int, stop <-chan struct{}) {
	defer func() { _ = c.Close() }()
	tick := time.NewTicker(200 * time.Millisecond)
	defer tick.Stop()
	if way == 1 {
		_, _ = io.WriteString(c, "GET /jobs HTTP/1.1\r\nHost: x\r\nX-Slow: ")
	}
	for {
		select {
		case <-stop:
			return
		case <-tick.C:
		}
		var err error
		switch way {
		case 1:
			_, err = io.WriteString(c, "a")
		case 2:
			_, err = io.WriteString(c, "GET /jobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer guess\r\nConnection: "+
				"keep-alive\r\n\r\n")
		}
		if err != nil {
			return
		}
	}
}
