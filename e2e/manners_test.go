package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"
)

// wire sends bytes to the server and reads the answer.
func (p *process) wire(request, method string) (*http.Response, string) {
	p.t.Helper()
	conn, err := net.Dial("tcp", strings.TrimPrefix(p.url, "http://"))
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(patience))
	if _, err := io.WriteString(conn, request); err != nil {
		p.t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		p.t.Fatalf("%q: %v", request, err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		p.t.Fatalf("%q: %v", request, err)
	}
	return res, string(text)
}

// TestProbesAsBalancersMakeThem: without a Host, by HTTP/1.0, by another name.
func TestProbesAsBalancersMakeThem(t *testing.T) {
	p := serve(t, t.TempDir())
	for _, row := range []struct {
		method, rest string
		status       int
	}{
		{"GET", "/healthz HTTP/1.0\r\n\r\n", 200},
		{"HEAD", "/healthz HTTP/1.0\r\n\r\n", 200},
		{"OPTIONS", "/ HTTP/1.0\r\n\r\n", 204},
		{"OPTIONS", "* HTTP/1.0\r\n\r\n", 200},
		{"GET", "/readyz HTTP/1.0\r\nUser-Agent: ELB-HealthChecker/2.0\r\n\r\n", 200},
		{"GET", "/healthz HTTP/1.0\r\nHost: belfry.internal\r\nConnection: keep-alive\r\n\r\n", 200},
		{"GET", "/healthz HTTP/1.1\r\nHost: belfry.internal\r\n\r\n", 200},
		{"GET", "/readyz?verbose HTTP/1.1\r\nHost: 10.0.0.1:3000\r\n\r\n", 200},
		{"GET", "/healthz/ HTTP/1.1\r\nHost: lb\r\nContent-Length: 0\r\n\r\n", 200},
		{"GET", "http://belfry.internal/healthz HTTP/1.1\r\nHost: belfry.internal\r\n\r\n", 200},
		{"GET", "/observability/health HTTP/1.0\r\n\r\n", 200},
		{"GET", "/healthz HTTP/1.1\r\n\r\n", 400}, // RFC 9112, section 3.2
		{"GET", "/observability/health HTTP/1.1\r\nHost: evil.example\r\n\r\n", 421},
	} {
		res, text := p.wire(row.method+" "+row.rest, row.method)
		if res.StatusCode != row.status {
			t.Errorf("%s %q: %d, want %d: %s", row.method, row.rest, res.StatusCode, row.status, text)
		}
		if row.method == "OPTIONS" && row.status == 204 && !strings.Contains(res.Header.Get("Allow"), "GET") {
			t.Errorf("%q: Allow %q", row.rest, res.Header.Get("Allow"))
		}
	}
}

// TestRequestsAsClientsMakeThem: other slashes, other methods, other paths.
func TestRequestsAsClientsMakeThem(t *testing.T) {
	p := serve(t, t.TempDir())
	_, text := request{"a slash at the end", "POST", "/jobs/", jsonHead, jobWith(""), 201, nil, nil}.send(t, p.url)
	var made struct{ JobID string }
	if err := json.Unmarshal([]byte(text), &made); err != nil {
		t.Fatal(err)
	}
	job := "/jobs/" + made.JobID
	for _, row := range []request{
		{"two slashes", "POST", "//jobs", jsonHead, jobWith(""), 201, nil, nil},
		{"slashes everywhere", "GET", "/jobs//" + made.JobID + "/executions/?limit=1", nil, "", 200, nil, nil},
		{"PATCH is PUT", "PATCH", job, jsonHead, `{"name":"patched"}`, 200, []string{`"version":2`}, nil},
		{"and is seen", "GET", job + "/", nil, "", 200, []string{`"name":"patched"`}, nil},
		{"POST to a job", "POST", job, jsonHead, `{}`, 405, []string{"To change a job: PUT", job + "/trigger"}, nil},
		{"PUT to all", "PUT", "/jobs", jsonHead, `{}`, 405, []string{"PUT or DELETE /jobs/{id}"}, nil},
		{"OPTIONS", "OPTIONS", job, nil, "", 204, nil, nil},
		{"letter case", "GET", "/Jobs", nil, "", 404, []string{"did you mean /jobs?"}, nil},
		{"a prefix", "POST", "/api/v1/jobs", jsonHead, jobWith(""), 404, []string{"did you mean /jobs?"}, nil},
		{"one job", "GET", "/job/" + made.JobID, nil, "", 404, []string{"did you mean " + job + "?"}, nil},
		{"another verb", "POST", job + "/run", nil, "", 404, []string{"did you mean " + job + "/trigger?"}, nil},
		{"another probe", "GET", "/health", nil, "", 404, []string{"did you mean /healthz?"}, nil},
		{"nothing like it", "GET", "/wp-login.php", nil, "", 404, []string{"/docs lists the paths"}, []string{"did you mean"}},
	} {
		row.send(t, p.url)
	}
	if code, out := runOut(t, cleanEnv(), "--version"); code != 0 || !strings.HasPrefix(out, "belfry ") {
		t.Errorf("--version: %d, %q", code, out)
	}
}
