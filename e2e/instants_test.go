package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"testing"
)

// TestInstantsAsText: with time=rfc3339 every instant of an answer is text, what belongs to
// the user is as it was sent, and the text is accepted back.
func TestInstantsAsText(t *testing.T) {
	t.Parallel()
	p := serve(t, t.TempDir())
	const own = `{"createdAt":1767225600000,"startAt":1,"spec":{"startAt":2},"list":[{"scheduledAt":3}]}`
	from := jsonHead.Clone()
	from.Set("X-Request-Id", "made-by-e2e")
	_, made := request{"create", "POST", "/jobs?time=rfc3339", from, `{"schedule":"0 0 1 1 *","type":"ATLEAST_ONCE",` +
		`"api":"http://127.0.0.1:9/","retry":{"maxRetries":0},"startAt":1767225600123,` +
		`"endAt":"2100-01-01T02:00:00+02:00",` +
		`"body":` + own + `}`, 201, []string{`"startAt":"2026-01-01T00:00:00.123Z"`,
		`"endAt":"2100-01-01T00:00:00.000Z"`, `"body":` + own}, nil}.send(t, p.url)
	id := regexp.MustCompile(`"id":"([^"]+)"`).FindStringSubmatch(made)[1]
	job := "/jobs/" + id
	p.endOf(p.triggered(id))
	number := regexp.MustCompile(`"(?:[A-Za-z]+At|at|from|to|effectiveFrom|timestamp)":\d`)
	for _, path := range []string{job, "/jobs", "/jobs/export", job + "/executions", "/executions/export",
		"/observability/executions/recent", "/observability/executions/failed", "/observability/alerts",
		"/observability/metrics", "/audit", "/audit/changes", "/hosts"} {
		row := request{path, "GET", path + "?time=rfc3339", nil, "", 200, nil, nil}
		res, text := row.send(t, p.url)
		ours := strings.ReplaceAll(text, own, "")
		if found := number.FindString(ours); found != "" || !strings.Contains(ours, `Z"`) {
			t.Errorf("%s answers %q in %s", path, found, text)
		}
		if strings.HasPrefix(path, "/jobs") && !strings.Contains(path, "executions") && !strings.Contains(text, own) {
			t.Errorf("%s has changed the body: %s", path, text)
		}
		if path != job {
			continue
		}
		known := http.Header{"If-None-Match": {res.Header.Get("ETag")}}
		request{"not modified", "GET", path + "?time=rfc3339", known, "", 304, nil, nil}.send(t, p.url)
		request{"the other form", "GET", path, known, "", 200, []string{`"startAt":1767225600123`}, nil}.send(t, p.url)
		request{"back, with a change", "PUT", path, jsonHead, strings.Replace(text, `"isActive":true`,
			`"isActive":false`, 1), 200, []string{`"version":2`, `"startAt":1767225600123`, own}, nil}.send(t, p.url)
	}
	_, lines := request{"export", "GET", "/jobs/export?time=rfc3339", nil, "", 200, nil, nil}.send(t, p.url)
	request{"import", "POST", "/jobs/import?time=rfc3339", http.Header{"Content-Type": {"application/x-ndjson"}}, lines,
		200, []string{`"imported":1`}, nil}.send(t, p.url)
	request{"another value", "GET", job + "?time=iso8601", nil, "", 400,
		[]string{`"field":"time","code":"not-a-choice"`}, nil}.send(t, p.url)

	request{"the trail by request", "GET", "/audit/changes?requestId=made-by-e2e", nil, "", 200,
		[]string{`"action":"CREATE"`, `"requestId":"made-by-e2e"`, id}, []string{"IMPORT", "TRIGGER"}}.send(t, p.url)
	for _, c := range []struct{ wrong, holds string }{
		{`"tags":[5]`, `"field":"tags[0]","code":"wrong-type","message":"must be a string, not a number`},
		{`"name":"` + strings.Repeat("n", 201) + `"`, `"field":"name","code":"too-long"`},
		{`"retry":3`, `"must be an object with backoff, delayMs, maxDelayMs, maxRetries, not a number"`},
	} {
		request{c.wrong, "POST", "/jobs", jsonHead, jobWith(c.wrong), 422, []string{c.holds}, nil}.send(t, p.url)
	}
}

// TestRefusalsOverTLSNameTheirRequest: those of net/http too, and the log has the name.
func TestRefusalsOverTLSNameTheirRequest(t *testing.T) {
	t.Parallel()
	ca := newPKI(t)
	ca.issue("own", &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}})
	p := serve(t, t.TempDir(), "LOG_LEVEL=debug", "BELFRY_TLS_CERT="+ca.file("own.crt"),
		"BELFRY_TLS_KEY="+ca.file("own.key"))
	roots := x509.NewCertPool()
	roots.AddCert(ca.cert)
	for head, status := range map[string]int{
		"nonsense": 400, "GET /jobs HTTP/1.1": 400, "GET / HTTP/1.1\r\nHost: localhost\r\nExpect: more": 417,
		"GET /healthz HTTP/1.1\r\nHost: localhost": 200,
	} {
		c, err := tls.Dial("tcp", strings.TrimPrefix(p.url, "https://"), &tls.Config{RootCAs: roots})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(c, head+"\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		res, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatalf("%q: %v", head, err)
		}
		ids := res.Header["X-Request-Id"]
		_ = res.Body.Close()
		_ = c.Close()
		if res.StatusCode != status || len(ids) != 1 {
			t.Fatalf("%q: %d, ids %v", head, res.StatusCode, ids)
		}
		eventually(t, "the log names "+ids[0],
			func() bool { return strings.Contains(p.log(), `"request_id":"`+ids[0]+`"`) })
	}
}
