package e2e

import (
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
)

// request is one row of a table: what a client sends, and what it must get.
type request struct {
	name         string
	method, path string
	header       http.Header
	body         string
	status       int
	holds        []string // parts of the answer
	lacks        []string
}

// jsonHead is the header of a JSON body.
var jsonHead = http.Header{"Content-Type": {"application/json"}}

// send makes the request of a row and checks the answer, which it returns.
func (row request) send(t *testing.T, base string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequest(row.method, base+row.path, strings.NewReader(row.body))
	if err != nil {
		t.Fatal(err)
	}
	for name, values := range row.header {
		req.Header[name] = values
	}
	res, err := http.DefaultTransport.RoundTrip(req) // follows no redirect
	if err != nil {
		t.Fatalf("%s: %v", row.name, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatalf("%s: %v", row.name, err)
	}
	if res.StatusCode != row.status {
		t.Errorf("%s: status %d, want %d: %s", row.name, res.StatusCode, row.status, text)
	}
	for _, part := range row.holds {
		if !strings.Contains(string(text), part) {
			t.Errorf("%s: the answer has no %q: %s", row.name, part, text)
		}
	}
	for _, part := range row.lacks {
		if strings.Contains(string(text), part) {
			t.Errorf("%s: the answer has %q: %s", row.name, part, text)
		}
	}
	return res, string(text)
}

// jobWith returns a job that is not due while the test runs, with further
// members laid over it.
func jobWith(members string) string {
	job := map[string]any{"schedule": "0 0 0 1 1 *", "api": "http://127.0.0.1:9/hook", "type": "ATLEAST_ONCE"}
	if err := json.Unmarshal([]byte("{"+members+"}"), &job); err != nil {
		panic(err)
	}
	text, err := json.Marshal(job)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestWarningsComeWithTheAnswer(t *testing.T) {
	p := serve(t, t.TempDir())
	const second, either = "fires 60 times in each minute that matches", "both day fields are restricted"
	_, calm := request{"a schedule without a doubt", "POST", "/jobs", jsonHead, jobWith(""), 201, nil, []string{"warnings"}}.send(t, p.url)
	var made struct{ JobID string }
	if err := json.Unmarshal([]byte(calm), &made); err != nil {
		t.Fatal(err)
	}
	for _, row := range []request{
		{"create", "POST", "/jobs", jsonHead, jobWith(`"schedule":"* 5 * * * *"`), 201, []string{`"warnings":["` + second}, nil},
		{"change", "PUT", "/jobs/" + made.JobID, jsonHead, `{"schedule":"0 0 0 13 * 5"}`, 200, []string{`"warnings":["` + either}, nil},
		{"another change", "PUT", "/jobs/" + made.JobID, jsonHead, `{"name":"x"}`, 200, []string{either}, nil},
		{"import", "POST", "/jobs/import", jsonHead, "[" + jobWith(`"schedule":"* 5 * * * *"`) + "," + jobWith("") + "]", 200,
			[]string{`"warnings":["` + second, `"imported":2`}, nil},
		{"preview", "POST", "/schedules/preview", jsonHead, `{"schedule":"* 5 * * * *"}`, 200, []string{second}, nil},
	} {
		row.send(t, p.url)
	}
}
