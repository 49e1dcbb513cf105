package e2e

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// rawTarget answers each request with the bytes that belong to its path, and closes the connection.
func rawTarget(t *testing.T, answers map[string]string) (url string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return // the test is over
			}
			go func() {
				defer c.Close()
				_ = c.SetDeadline(time.Now().Add(maxWait))
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return // a connection that was opened ahead, and not used
				}
				_, _ = io.Copy(io.Discard, r.Body)
				_, _ = io.WriteString(c, answers[r.URL.Path])
			}()
		}
	}()
	return "http://" + l.Addr().String()
}

// TestAnswersWithTwoReadings: an answer that another program may read in another way is a failure
// that names why, and is not sent for again; one with a single reading is a success.
func TestAnswersWithTwoReadings(t *testing.T) {
	t.Parallel()
	const ok, end = "HTTP/1.1 200 OK\r\n", "Content-Length: 2\r\nConnection: close\r\n\r\nok"
	rows := map[string]struct{ answer, status, says string }{
		"/plain":        {ok + end, "SUCCESS", ""},
		"/same-lengths": {ok + "Content-Length: 2\r\n" + end, "SUCCESS", ""},
		"/blank":        {ok + "Content-Length : 2\r\n\r\nok", "FAILED", "white space between a header field and its"},
		"/tab":          {ok + "X\t: y\r\n" + end, "FAILED", "white space between a header field and its"},
		"/folded":       {ok + "X: a\r\n b\r\n" + end, "FAILED", "folded over several lines"},
		"/space-first":  {ok + " X: a\r\n" + end, "FAILED", "white space before its first header field"},
		"/no-colon":     {ok + "nonsense\r\n" + end, "FAILED", "a header line without a colon"},
		"/both": {ok + "Transfer-Encoding: chunked\r\nContent-Length: 7\r\n\r\n2\r\nok\r\n0\r\n\r\n", "FAILED",
			"both Content-Length and Transfer-Encoding"},
		"/old-chunks": {"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", "FAILED",
			"Transfer-Encoding in HTTP/1.0"},
	}
	answers := map[string]string{}
	for path, row := range rows {
		answers[path] = row.answer
	}
	url := rawTarget(t, answers)
	p := serve(t, t.TempDir())
	type started struct{ path, id string }
	var all []started
	for path := range rows {
		job, err := p.api.Jobs.Create(t.Context(), client.Spec{Schedule: "0 0 0 1 1 *", API: url + path,
			Type: "ATLEAST_ONCE"})
		if err != nil {
			t.Fatal(err)
		}
		run, err := p.api.Jobs.Trigger(t.Context(), job.JobID)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, started{path, run.ExecutionID})
	}
	for _, s := range all {
		row := rows[s.path]
		var last string
		eventually(t, fmt.Sprintf("the execution of %s has ended", s.path), func() bool {
			e, err := p.api.Executions.Get(t.Context(), s.id)
			if err != nil || e.Status == "PENDING" || e.Status == "RUNNING" {
				return false
			}
			why := ""
			if e.Error != nil {
				why = *e.Error
			}
			last = fmt.Sprintf("%s, %d retries: %s", e.Status, e.RetryCount, why)
			if e.Status != row.status || !strings.Contains(why, row.says) || e.RetryCount != 0 {
				t.Errorf("%s: %s; want %s, %q", s.path, last, row.status, row.says)
			}
			return true
		})
		t.Log(s.path, last)
	}
}
