package e2e

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// TestNewFiresGoFirst: a host that makes 40 calls a second gets 320 at one instant. While
// they are sent, the fires of another job of that host do not wait behind them for long, and
// each of them is sent once.
func TestNewFiresGoFirst(t *testing.T) {
	t.Parallel()
	const burst, slots = 320, 4
	var mu sync.Mutex
	seen := make(map[string]int)
	waiting, most := burst, 0 // fires of the burst that are to come; the most when one of the other job came
	srv := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		mu.Lock()
		if r.URL.Path == "/burst" {
			seen[r.Header.Get("Belfry-Execution-Id")]++
			waiting--
		} else if waiting < burst {
			most = max(most, waiting)
		}
		mu.Unlock()
		<-time.After(100 * time.Millisecond)
	}))
	defer srv.Close()
	p := serve(t, t.TempDir(), fmt.Sprint("BELFRY_MAX_IN_FLIGHT_PER_HOST=", slots))
	defer p.terminate()
	at := time.Now().Add(3 * time.Second).Truncate(time.Second)
	once := fmt.Sprintf(`{"schedule": "@at %s", "api": %q, "type": "ATLEAST_ONCE"}`+"\n", at.UTC().Format(time.RFC3339),
		srv.URL+"/burst")
	after := fmt.Sprintf(`{"schedule": "* * * * * *", "api": %q, "type": "ATLEAST_ONCE", "startAt": %d}`+"\n",
		srv.URL+"/new", at.Add(time.Second).UnixMilli())
	p.importJobs(strings.Repeat(once, burst) + after)
	within(t, 30*time.Second, "all fires of the burst", func() bool {
		mu.Lock()
		defer mu.Unlock()
		return len(seen) == burst
	})
	mu.Lock()
	defer mu.Unlock()
	if waiting != 0 {
		t.Errorf("%d requests for %d fires", burst-waiting, burst)
	}
	if most < burst/8 {
		t.Errorf("%d of %d of the burst were to come at most when a new fire came: it waited behind them", most, burst)
	}
}
