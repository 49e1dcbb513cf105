package e2e

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"
)

// TestDeadMansSwitch: a server on PostgreSQL calls a URL while it fires jobs, is silent while the database is away, and
// calls again afterwards. The URL is in no log. What a second server does when the first one is killed is that it goes
// on with the calls.
func TestDeadMansSwitch(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	monitor := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && r.URL.Path == "/ping/T0KEN-0123456789" &&
			strings.HasPrefix(r.UserAgent(), "belfry/") {
			calls.Add(1)
		}
	}))
	defer monitor.Close()
	more := func() func() bool {
		before := calls.Load()
		return func() bool { return calls.Load() > before }
	}
	database := newPostgres(t)
	env := []string{"BELFRY_DEADMAN_URL=" + monitor.URL + "/ping/T0KEN-0123456789", "BELFRY_DEADMAN_INTERVAL=5s"}
	url := database.Database(t)
	p := servePostgres(t, url, env...)
	eventually(t, "it calls at once", more())
	eventually(t, "it calls again", more())

	if err := database.End(syscall.SIGINT); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it is not ready", func() bool {
		ready, err := p.api.Ready(t.Context())
		return err == nil && !ready.Ready()
	})
	eventually(t, "it says why it does not call", func() bool {
		return strings.Contains(p.log(), "switch is not called")
	})
	silent := calls.Load()
	pass(time.Now().UnixMilli() + 11_000) // more than two intervals
	if n := calls.Load(); n != silent {
		t.Errorf("%d calls while the database is away", n-silent)
	}
	if err := database.Launch(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it calls when the database is back", more())
	if strings.Contains(p.log(), "T0KEN") {
		t.Error("the log has the URL")
	}

	second := servePostgres(t, url, env...)
	p.kill()
	killed := more()
	eventually(t, "the other server goes on", killed)
	if strings.Contains(second.log(), "T0KEN") {
		t.Error("the log has the URL")
	}
}
