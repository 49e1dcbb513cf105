package e2e

import (
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestSpellingsOfAHost: jobs that spell one host in several ways share its limit
// of calls and its connection, and each sends the Host header that it says.
func TestSpellingsOfAHost(t *testing.T) {
	t.Parallel()
	var mu sync.Mutex
	conns, now, most, seen := 0, 0, 0, make(map[string]int)
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		now++
		most = max(most, now)
		mu.Unlock()
		<-time.After(50 * time.Millisecond) // calls that may go side by side do
		mu.Lock()
		now--
		seen[r.Host]++
		mu.Unlock()
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			mu.Lock()
			conns++
			mu.Unlock()
		}
	}
	srv.Start()
	defer srv.Close()
	_, port, _ := net.SplitHostPort(srv.Listener.Addr().String())
	hosts := []string{"127.0.0.1:" + port, "127.0.0.1:0" + port, "[::ffff:127.0.0.1]:" + port,
		"[::FFFF:7f00:1]:" + port}
	var jobs strings.Builder
	for _, host := range hosts {
		jobs.WriteString(everySecond(1, "http://"+host+"/x"))
	}
	p := serve(t, t.TempDir(), "BELFRY_MAX_IN_FLIGHT_PER_HOST=1")
	defer p.terminate()
	p.importJobs(jobs.String())
	within(t, 15*time.Second, "two calls of each spelling", func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, host := range hosts {
			if seen[host] < 2 {
				return false
			}
		}
		return true
	})
	mu.Lock()
	defer mu.Unlock()
	if conns != 1 || most != 1 || len(seen) != len(hosts) {
		t.Errorf("%d connections, %d calls at a time, Host headers %v: want 1, 1 and %v", conns, most, seen, hosts)
	}
}
