package cli

import (
	"bytes"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

const (
	groupText = `{"id":"g1","rule":"default","state":"OPEN","level":"CRITICAL","groupBy":"HOST",` +
		`"key":"https://x:443","jobs":1,"allJobs":2,"failures":7,"firstAt":0,"lastAt":5000,"recoveredAt":null,` +
		`"toldAt":9000,"acknowledged":{"at":9500,"by":{"key":"k1","name":"ops"}},"samples":[{"jobId":"j1",` +
		`"name":"charge","target":"x:443","executionId":"e1","httpStatus":503,"error":"busy","count":6,` +
		`"lastAt":5000}]}`
	messageText = `{"id":"m1","channel":"env","groupId":"g1","type":"alert.opened","state":"PENDING",` +
		`"title":"Failing: x","createdAt":9000,"attempts":2,"lastAt":9100,"error":"503 Service Unavailable",` +
		`"nextAt":14000,"endedAt":null}`
)

// TestGroupsAndNotifications: what is asked, and what is printed.
func TestGroupsAndNotifications(t *testing.T) {
	answers := map[string]string{
		"GET /alerts/groups?limit=50&open=true":   `{"groups":[` + groupText + `]}`,
		"GET /alerts/groups/g1":                   groupText,
		"POST /alerts/groups/g1/acknowledge":      groupText,
		"GET /notifications?channel=env&limit=50": `{"notifications":[` + messageText + `]}`,
		"POST /notifications/m1/resend":           messageText,
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer, known := answers[r.Method+" "+r.URL.String()]
		if !known {
			t.Errorf("asked for %s %s", r.Method, r.URL)
		}
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(answer))
	}))
	defer server.Close()
	const first, fifth, ninth = "1970-01-01T00:00:00.000Z", "1970-01-01T00:00:05.000Z", "1970-01-01T00:00:09.000Z"
	shown := "https://x:443 CRITICAL OPEN jobs 1 fail now, 2 have failed failures 7, from " + first + " to " + fifth +
		" told " + ninth + " acknowledged 1970-01-01T00:00:09.500Z by k1 ops " +
		"JOB NAME TARGET FAILURES LAST ERROR j1 charge x:443 6 " + fifth + " busy"
	for args, want := range map[string]string{
		"groups list --open": "FIRST STATE LEVEL JOBS FAILURES LAST TOLD KEY ID " + first + " OPEN CRITICAL 1 7 " +
			fifth + " " + ninth + " https://x:443 g1",
		"groups list --open --json":    `{"id":"g1","rule":"default",`,
		"groups show g1":               shown,
		"groups show g1 --json":        `{"id":"g1","rule":"default",`,
		"groups acknowledge g1":        shown,
		"groups acknowledge g1 --json": `{"id":"g1","rule":"default",`,
		"notifications list --channel env": "CREATED CHANNEL TYPE STATE ATTEMPTS NEXT TITLE ERROR ID " + ninth +
			" env alert.opened PENDING 2 1970-01-01T00:00:14.000Z Failing: x 503 Service Unavailable m1",
		"notifications list --channel env --json": `{"id":"m1","channel":"env",`,
		"notifications resend m1":                 "Failing: x to env is PENDING",
		"notifications resend m1 --json":          `{"id":"m1","channel":"env",`,
	} {
		var out, told bytes.Buffer
		s := &shell{out: &out, err: &told, clock: clock.System{}}
		code := s.run(t.Context(), append(strings.Fields(args), "--server", server.URL))
		got := strings.Join(strings.Fields(out.String()), " ")
		if code != exitOK || told.Len() > 0 || got != want && !strings.HasPrefix(want, "{") ||
			!strings.HasPrefix(got, want) {
			t.Errorf("%s: exit code %d, told %q, printed %q, want %q", args, code, told.String(), got, want)
		}
	}
}
