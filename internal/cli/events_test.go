package cli

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// TestEventsCommandOverARestart: a proxy that says for a while that no server is there does not end the command, but
// one that says so from the beginning does.
func TestEventsCommandOverARestart(t *testing.T) {
	t.Parallel()
	var asked atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		n := asked.Add(1)
		if n == 2 || n > 3 {
			w.WriteHeader(http.StatusBadGateway)
			return
		}
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = fmt.Fprintf(w, "id: %[1]d\ndata: {\"at\":%[1]d,\"health\":\"healthy\"}\n\n", n)
	}))
	t.Cleanup(server.Close)
	follow := func(count string) (code int, printed, told string) {
		var out, err bytes.Buffer
		s := &shell{out: &out, err: &err, clock: clock.System{}}
		code = s.run(t.Context(), []string{"events", "--count", count, "--server", server.URL})
		return code, out.String(), err.String()
	}
	code, printed, told := follow("2")
	if code != exitOK || strings.Count(printed, "healthy") != 2 ||
		!strings.Contains(told, "the server does not answer now (Bad Gateway (HTTP 502)): connecting again\n") {
		t.Errorf("exit code %d, told %q, printed %q", code, told, printed)
	}
	code, printed, told = follow("1")
	if code != exitFailure || printed != "" || !strings.Contains(told, "Bad Gateway (HTTP 502)") || asked.Load() != 4 {
		t.Errorf("exit code %d, told %q, printed %q, asked %d times", code, told, printed, asked.Load())
	}
}
