package api

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/nettest"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// calledServer is a server that is called, and the last request that it got.
type calledServer struct {
	*httptest.Server
	mu   sync.Mutex
	head http.Header
	body string
	n    int
}

func newCalledServer(t *testing.T, answer http.HandlerFunc) *calledServer {
	t.Helper()
	s := new(calledServer)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		s.mu.Lock()
		s.head, s.body, s.n = r.Header.Clone(), string(body), s.n+1
		s.mu.Unlock()
		answer(w, r)
	}))
	t.Cleanup(s.Close)
	return s
}

func (s *calledServer) last() (head http.Header, body string, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head, s.body, s.n
}

// calling has test calls made by a real executor.
func calling(t *testing.T) func(*Config) {
	t.Helper()
	x, err := executor.New(executor.Config{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	return func(c *Config) { c.Tests = testsBy(t, c.Clock, x) }
}

// headerOf returns a header of a message.
func headerOf(m TracedMessage, name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// TestTestCallOfASpec: the request goes out, the answer is shown, and nothing is stored but an
// entry of the trail.
func TestTestCallOfASpec(t *testing.T) {
	s := newCalledServer(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-Answer", "yes")
		w.WriteHeader(http.StatusCreated)
		_, _ = io.WriteString(w, "größe")
	})
	k := newKeyed(t, calling(t))
	spec := laidOver(`"api":"` + s.URL + `/hook?token=canary","headers":{"Authorization":"Bearer canary","X-A":"1"},` +
		`"body":{"n":1},"timeoutMs":60000`)
	res := k.as(t, domain.RoleEditor, "POST", "/jobs/test", spec)
	var got testCallBody
	res.into(t, 200, &got)
	head, body, n := s.last()
	if n != 1 || head.Get("Authorization") != "Bearer canary" || head.Get("Belfry-Test") != "true" ||
		head.Get("Belfry-Execution-Id") != got.ExecutionID || body != `{"n":1}` {
		t.Errorf("sent %d: %v %s", n, head, body)
	}
	if !got.Success || got.Retried || !got.Sent || got.Error != "" || got.TimeoutMs != 30_000 || got.Response == nil {
		t.Fatalf("%s", res.text)
	}
	q, a := got.Request, got.Response
	if q.Method != "POST" || q.URL != s.URL+"/hook?token=canary" || headerOf(q.TracedMessage, "x-a") != "1" ||
		headerOf(q.TracedMessage, "authorization") != domain.Mask || q.Body != `{"n":1}` || q.BodyBytes != 7 {
		t.Errorf("%+v", q)
	}
	if a.Status != 201 || a.Protocol != "HTTP/1.1" || a.Body != "größe" || a.BodyEncoding != "text" ||
		a.BodyBytes != 7 || a.Cut || a.Withheld || headerOf(a.TracedMessage, "x-answer") != "yes" {
		t.Errorf("%+v", a)
	}
	if w := got.Timings; w.Waited == nil || w.Connect == nil || w.FirstByte == nil || w.DNS != nil || w.TLS != nil ||
		w.Total < *w.FirstByte {
		t.Errorf("%+v", w)
	}
	if k.f.count(t) != 0 {
		t.Error("a job was stored")
	}
	k.as(t, domain.RoleEditor, "GET", "/executions/"+got.ExecutionID, "").problem(t, 404)
	entries := k.entriesOf(t, domain.ActionTest)
	if len(entries) != 1 || entries[0].By.Key != k.ids[domain.RoleEditor] || entries[0].ExecutionID == nil ||
		*entries[0].ExecutionID != got.ExecutionID || entries[0].Detail != "POST "+s.URL+"/hook" ||
		entries[0].JobID != nil {
		t.Errorf("%+v", entries)
	}
	k.as(t, domain.RoleViewer, "POST", "/jobs/test", spec).problem(t, 403)
	for _, bad := range []string{`{}`, `{"schedule":"x"}`, laidOver(`"nope":1`), laidOver(`"api":"ftp://x"`),
		laidOver(`"clientCertificate":"nobody's"`)} {
		test := k.as(t, domain.RoleEditor, "POST", "/jobs/test", bad)
		made := k.as(t, domain.RoleEditor, "POST", "/jobs", bad)
		if test.StatusCode != 422 || test.text != made.text {
			t.Errorf("%s:\n%d %s\n%d %s", bad, test.StatusCode, test.text, made.StatusCode, made.text)
		}
	}
	if _, _, n := s.last(); n != 1 {
		t.Errorf("%d requests", n)
	}
}

// TestTestCallOfAJob: as it is, as a change would make it, and as it was. Secrets that the change
// does not have are those of the job, which nobody is shown.
func TestTestCallOfAJob(t *testing.T) {
	s := newCalledServer(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, "you are "+r.Header.Get("Authorization")+" of "+r.Header.Get("X-Team"))
	})
	elsewhere := newCalledServer(t, func(http.ResponseWriter, *http.Request) {})
	k := newKeyed(t, calling(t))
	admin := withKey{k, k.keys[domain.RoleAdmin]}
	id := create(t, admin, laidOver(`"api":"`+s.URL+`/","headers":{"Authorization":"Bearer canary-1","X-Team":"red"}`))
	call(t, admin, "PUT", "/jobs/"+id, `{"isActive":false,"endAt":1767225601000}`).into(t, 200, new(any))
	for _, c := range []struct{ body, auth, team string }{
		{`{}`, "Bearer canary-1", "red"},
		{`{"headers":{"X-Team":"blue"}}`, "Bearer canary-1", "blue"},
		{`{"headers":{"Authorization":"********","X-Team":"green"}}`, "Bearer canary-1", "green"},
		{`{"headers":{"Authorization":"Bearer canary-2"}}`, "Bearer canary-2", "red"},
		{`{"version":1}`, "Bearer canary-1", "red"},
	} {
		res := k.as(t, domain.RoleEditor, "POST", "/jobs/"+id+"/test", c.body)
		var got testCallBody
		res.into(t, 200, &got)
		head, _, _ := s.last()
		if head.Get("Authorization") != c.auth || head.Get("X-Team") != c.team || head.Get("Belfry-Job-Id") != id {
			t.Errorf("%s: %v", c.body, head)
		}
		if strings.Contains(res.text, "canary") || got.Response.Body != "you are "+domain.Mask+" of "+c.team {
			t.Errorf("%s: %s", c.body, res.text)
		}
	}
	entries := k.entriesOf(t, domain.ActionTest)
	if len(entries) != 5 || entries[0].JobID == nil || *entries[0].JobID != id || *entries[0].Version != 2 {
		t.Errorf("%+v", entries)
	}
	moved := `{"api":"` + elsewhere.URL + `/"}`
	k.as(t, domain.RoleEditor, "POST", "/jobs/"+id+"/test", moved).problem(t, 422)
	k.as(t, domain.RoleEditor, "POST", "/jobs/"+id+"/test?keepSecrets=true", moved).problem(t, 403)
	if _, _, n := elsewhere.last(); n != 0 {
		t.Error("secrets were sent elsewhere")
	}
	k.as(t, domain.RoleAdmin, "POST", "/jobs/"+id+"/test?keepSecrets=true", moved).into(t, 200, new(any))
	if _, _, n := elsewhere.last(); n != 1 {
		t.Error("an admin may send them")
	}
	if v := k.f.job(t, id).Current; v.Number != 2 || v.Spec.Headers["X-Team"] != "red" {
		t.Errorf("stored: %+v", v)
	}
}

// TestTestCallRefusesWhatTheChangeWould, in the same words, and sends nothing then.
func TestTestCallRefusesWhatTheChangeWould(t *testing.T) {
	w := newTenants(t)
	for _, body := range []string{
		`{"schedule":"x"}`, `{"spec":{"schedule":"x","timeoutMs":0}}`, `{"nope":1}`, `{"namespace":"b"}`,
		`{"headers":{"Authorization":"********"}}`, `{"version":7,"name":"x"}`, `{"createdAt":5}`, `[]`, `{`,
	} {
		change := call(t, w.billing, "PATCH", "/jobs/"+w.ours, body)
		test := call(t, w.billing, "POST", "/jobs/"+w.ours+"/test", body)
		if change.StatusCode < 400 || change.StatusCode != test.StatusCode || change.text != test.text {
			t.Errorf("%s:\n%d %s\n%d %s", body, change.StatusCode, change.text, test.StatusCode, test.text)
		}
	}
	call(t, w.billing, "POST", "/jobs/"+w.theirs+"/test", `{}`).problem(t, 404)
	call(t, w.billing, "POST", "/jobs/test", laidOver(`"namespace":"default"`)).problem(t, 403)
	call(t, w.billing, "POST", "/jobs/"+w.ours+"/test", `{"version":2}`).problem(t, 422)
	call(t, w.billing, "POST", "/jobs/test", minimal).into(t, 200, new(any))
	call(t, w.billing, "POST", "/jobs/"+w.ours+"/test", `{}`).into(t, 200, new(any))
}

// TestTestCallThatFails is an answer: why, how far it came, and what a fire would do.
func TestTestCallThatFails(t *testing.T) {
	h := newAPI(t, newFixture(t), calling(t))
	busy := newCalledServer(t, func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(429) })
	moved := newCalledServer(t, func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/x", http.StatusFound)
	})
	binary := newCalledServer(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte{0xff, 0, 1}) })
	long := newCalledServer(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, strings.Repeat("ä", 5<<20))
	})
	for name, c := range map[string]struct {
		url, says        string
		success, retried bool
		status           int
	}{
		"busy":   {busy.URL, "HTTP 429", false, true, 429},
		"moved":  {moved.URL, "redirects are not followed", false, false, 302},
		"binary": {binary.URL, "", true, false, 200}, "long": {long.URL, "", true, false, 200},
		"dead": {"http://" + nettest.Refusing(t), "connection refused", false, true, 0},
	} {
		var got testCallBody
		call(t, h, "POST", "/jobs/test", laidOver(`"api":"`+c.url+`/"`)).into(t, 200, &got)
		if got.Success != c.success || got.Retried != c.retried || !strings.Contains(got.Error, c.says) ||
			(got.Error == "") != c.success || got.Sent != (c.status != 0) || (got.Response != nil) != got.Sent {
			t.Errorf("%s: %+v", name, got)
		}
		a := got.Response
		switch {
		case c.status != 0 && a.Status != c.status:
			t.Errorf("%s: status %d", name, a.Status)
		case name == "moved" && headerOf(a.TracedMessage, "location") != "/x":
			t.Errorf("%+v", a)
		case name == "binary" && (a.Body != "/wAB" || a.BodyEncoding != "base64"):
			t.Errorf("%+v", a)
		case name == "long" && (!a.Cut || len(a.Body) != domain.MaxTracedBody || a.BodyEncoding != "text" ||
			strings.Trim(a.Body, "ä") != ""):
			t.Errorf("%d bytes, %s", len(a.Body), a.BodyEncoding)
		}
	}
}

// blocking is an executor whose calls do not end before they are let go.
type blocking struct {
	answering

	begun, let chan struct{}
}

// Do implements testcall.Executor.
func (b blocking) Do(c *domain.Call, out *domain.Outcome) {
	b.begun <- struct{}{}
	<-b.let
	b.answering.Do(c, out)
}

// TestTestCallsAreBounded: a caller has few at a time, and all callers together.
func TestTestCallsAreBounded(t *testing.T) {
	by := blocking{begun: make(chan struct{}), let: make(chan struct{})}
	h := newAPI(t, newFixture(t), func(c *Config) { c.Tests = testsBy(t, c.Clock, by) })
	post := func(from int) *httptest.ResponseRecorder {
		r := httptest.NewRequestWithContext(context.Background(), "POST", "/jobs/test", strings.NewReader(minimal))
		r.Header.Set("Content-Type", "application/json")
		r.Host, r.RemoteAddr = "localhost", fmt.Sprintf("192.0.2.%d:1", from)
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		return w
	}
	over := make(chan *httptest.ResponseRecorder)
	// begins makes a call, and reports whether it is under way; otherwise it was refused.
	begins := func(from int) bool {
		go func() { over <- post(from) }()
		select {
		case <-by.begun:
			return true
		case w := <-over:
			if w.Code != 429 || !strings.Contains(w.Header().Get("RateLimit-Policy"), `"test-calls";q=2`) {
				t.Errorf("refused: %d %v %s", w.Code, w.Header(), w.Body)
			}
			return false
		}
	}
	underWay := 0
	for range maxTestCallsPerCaller + 1 {
		if begins(0) {
			underWay++
		}
	}
	if underWay != maxTestCallsPerCaller {
		t.Errorf("one caller has %d at a time", underWay)
	}
	for from := 1; from < 100; from++ { // two of them may count as one
		if begins(from) {
			underWay++
		}
	}
	if underWay != maxTestCalls {
		t.Errorf("all have %d at a time", underWay)
	}
	close(by.let)
	for range underWay {
		if w := <-over; w.Code != 200 {
			t.Errorf("%d %s", w.Code, w.Body)
		}
	}
	if !begins(0) || (<-over).Code != 200 {
		t.Error("afterwards there is no place")
	}
}

// leaving is the context of a request whose client goes away at some time.
type leaving struct {
	context.Context

	gone func() bool
}

func (l leaving) Err() error {
	if l.gone() {
		return context.Canceled
	}
	return l.Context.Err()
}

// TestTestCallOfAClientThatIsGone is not sent, however late it has gone.
func TestTestCallOfAClientThatIsGone(t *testing.T) {
	s := newCalledServer(t, func(http.ResponseWriter, *http.Request) {})
	k := newKeyed(t, calling(t))
	noted := func() bool { return len(k.entriesOf(t, domain.ActionTest)) > 0 }
	r := httptest.NewRequestWithContext(leaving{t.Context(), noted}, "POST", "/jobs/test",
		strings.NewReader(laidOver(`"api":"`+s.URL+`/"`)))
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("Authorization", "Bearer "+k.keys[domain.RoleEditor])
	r.Host = "localhost"
	w := httptest.NewRecorder()
	k.ServeHTTP(w, r)
	if _, _, n := s.last(); n != 0 || w.Code != 503 || !noted() {
		t.Errorf("%d requests, %d %s", n, w.Code, w.Body)
	}
}

// TestTestCallIsNotSentWithoutAnEntry of the trail.
func TestTestCallIsNotSentWithoutAnEntry(t *testing.T) {
	f := newFixture(t)
	s := newCalledServer(t, func(http.ResponseWriter, *http.Request) {})
	h := newAPI(t, f, calling(t))
	f.store.Add(faulty.Rule{Method: "Changes.Add", Fault: faulty.FailBefore})
	call(t, h, "POST", "/jobs/test", laidOver(`"api":"`+s.URL+`/"`)).problem(t, 503)
	if _, _, n := s.last(); n != 0 {
		t.Error("it was sent")
	}
}
