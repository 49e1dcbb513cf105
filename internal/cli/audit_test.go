package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// What is lost is listed, and the exit code says so to a script.
func TestAuditTellsWhatIsLost(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"from":0,"to":5000,"expected":2,"succeeded":1,"lostCount":1,` +
			`"lost":[{"jobId":"the-job","executionId":"the-execution","scheduledAt":4000,"version":3}]}`))
	}))
	defer server.Close()
	for flag, want := range map[string]string{
		"":       "1970-01-01T00:00:04.000Z  the-job  the-execution  3",
		"--json": `"lost":[{"jobId":"the-job","executionId":"the-execution","scheduledAt":4000,"version":3}]`,
	} {
		var out, told bytes.Buffer
		s := &shell{out: &out, err: &told, clock: clock.System{}}
		args := []string{"audit", "--server", server.URL}
		if flag != "" {
			args = append(args, flag)
		}
		if code := s.run(t.Context(), args); code != exitRefused || told.Len() > 0 {
			t.Errorf("%s: exit code %d, told %q", flag, code, told.String())
		}
		if !strings.Contains(strings.Join(strings.Fields(out.String()), " "), strings.Join(strings.Fields(want), " ")) {
			t.Errorf("%s: printed %q, want %q in it", flag, out.String(), want)
		}
	}
}
