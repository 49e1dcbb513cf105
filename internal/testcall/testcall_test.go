package testcall

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/executor"
	"github.com/belfry-scheduler/belfry/internal/webhook"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func newCaller(t *testing.T, cfg executor.Config) *Caller {
	t.Helper()
	x, err := executor.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.Close)
	c, err := New(Config{Executor: x, Clock: clock.System{}})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// made makes a call.
func made(t *testing.T, p *Call) Result {
	t.Helper()
	r, err := p.Do(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func specOf(url string) *domain.Spec {
	s := domain.DefaultSpec()
	s.Schedule, s.API, s.Type = "@daily", url, domain.AtMostOnce
	return &s
}

func value(m domain.TracedMessage, name string) string {
	for _, h := range m.Headers {
		if strings.EqualFold(h.Name, name) {
			return h.Value
		}
	}
	return ""
}

// The request is that of a fire, with a header that says that it is a test and an id of its own.
// Secrets go out, and are not shown.
func TestCall(t *testing.T) {
	t.Parallel()
	var seen http.Header
	var body string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = r.Header
		data, _ := io.ReadAll(r.Body)
		body = string(data)
		w.Header().Set("X-Echo", r.Header.Get("Authorization"))
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, "token "+r.Header.Get("X-Pin"))
	}))
	t.Cleanup(s.Close)
	c := newCaller(t, executor.Config{})
	spec := specOf(s.URL + "/hook?q=1")
	spec.Headers = map[string]string{"Authorization": "Bearer canary-1", "X-Pin": "canary-2", "X-Team": "blue"}
	spec.SecretNames = []string{"x-pin"}
	spec.Signing.Secrets = []webhook.Secret{"whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="}
	job := domain.NewJobID(1)
	p, err := c.Prepare(spec, job)
	if err != nil {
		t.Fatal(err)
	}
	r := made(t, p)
	if seen.Get("Authorization") != "Bearer canary-1" || seen.Get("Belfry-Test") != "true" ||
		seen.Get("Belfry-Execution-Id") != p.ID().String() || seen.Get("Belfry-Job-Id") != job.String() ||
		seen.Get("Webhook-Signature") == "" || !strings.Contains(body, p.ID().String()) {
		t.Errorf("sent: %v %s", seen, body)
	}
	if value(r.Request, "authorization") != domain.Mask || value(r.Request, "x-pin") != domain.Mask ||
		value(r.Request, "x-team") != "blue" || value(r.Request, "idempotency-key") != p.ID().String() ||
		string(r.Request.Body) != body {
		t.Errorf("shown: %+v", r.Request)
	}
	if r.Response == nil || value(*r.Response, "x-echo") != domain.Mask ||
		string(r.Response.Body) != "token "+domain.Mask || r.Protocol != "HTTP/1.1" {
		t.Errorf("answer: %+v", r.Response)
	}
	if r.Outcome.HTTPStatus != 503 || r.Outcome.Verdict != domain.VerdictRetry || !r.Sent || r.ID != p.ID() ||
		r.Method != "POST" || r.URL != s.URL+"/hook?q=1" || strings.Contains(r.Outcome.Error, "canary") {
		t.Errorf("result: %+v", r)
	}
	if r.Total < r.Times.FirstByte || r.Times.Connect <= 0 {
		t.Errorf("times: %+v, %s in all", r.Times, r.Total)
	}
	next, err := c.Prepare(specOf(s.URL), domain.JobID{})
	if err != nil || next.ID() == p.ID() || next.call.Key.JobID.IsZero() || next.call.Key.Nonce == 0 {
		t.Errorf("another one: %+v %v", next, err)
	}
}

// A call over TLS, which the target's certificate or a client certificate decides, is made as
// that of a fire.
func TestCallOverTLS(t *testing.T) {
	t.Parallel()
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "ok")
	}))
	t.Cleanup(s.Close)
	c := newCaller(t, executor.Config{})
	for _, skip := range []bool{false, true} {
		spec := specOf(s.URL)
		spec.TLSSkipVerify = skip
		p, err := c.Prepare(spec, domain.JobID{})
		if err != nil {
			t.Fatal(err)
		}
		r := made(t, p)
		if skip != (r.Outcome.Verdict == domain.VerdictSuccess) || skip != (r.Response != nil) || r.Sent != skip ||
			!skip && !strings.HasPrefix(r.Outcome.Error, "tls: ") || r.Times.Handshake <= 0 {
			t.Errorf("skipping %t: %+v", skip, r)
		}
	}
	spec := specOf(s.URL)
	spec.ClientCertificate = "nobody's"
	p, err := c.Prepare(spec, domain.JobID{})
	if err != nil {
		t.Fatal(err)
	}
	if r := made(t, p); r.Sent || r.Response != nil || !strings.Contains(r.Outcome.Error, "no client certificate") {
		t.Errorf("%+v", r)
	}
}

// A test call ends within the job's timeout, and within MaxTime.
func TestCallIsBounded(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	begun := make(chan struct{}, 1)
	s := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
		begun <- struct{}{}
		<-r.Context().Done()
	}))
	t.Cleanup(s.Close)
	c := newCaller(t, executor.Config{})
	spec := specOf(s.URL)
	spec.TimeoutMs = 250
	p, err := c.Prepare(spec, domain.JobID{})
	if err != nil {
		t.Fatal(err)
	}
	if r := made(t, p); r.Timeout != 250*time.Millisecond || !r.Sent || r.Response != nil ||
		!strings.Contains(r.Outcome.Error, "timeout after 250ms") {
		t.Errorf("%+v", r)
	}
	<-begun
	if n := calls.Load(); n != 1 {
		t.Errorf("%d requests", n)
	}
	spec.TimeoutMs = domain.MaxTimeoutMs
	if p, err = c.Prepare(spec, domain.JobID{}); err != nil || p.call.Timeout != MaxTime {
		t.Errorf("%v %v", p.call.Timeout, err)
	}
}

// A call of which the caller has gone is not sent.
func TestCallOfNobody(t *testing.T) {
	t.Parallel()
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { calls.Add(1) }))
	t.Cleanup(s.Close)
	p, err := newCaller(t, executor.Config{}).Prepare(specOf(s.URL), domain.JobID{})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if r, err := p.Do(ctx); !errors.Is(err, context.Canceled) || r.Sent || calls.Load() != 0 {
		t.Errorf("%+v, %v, %d requests", r, err, calls.Load())
	}
}

// What cannot be called is refused before anything is sent.
func TestPrepareRefuses(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{}); err == nil {
		t.Error("a caller without an executor")
	}
	c := newCaller(t, executor.Config{})
	spec := specOf("http://127.0.0.1:9/")
	spec.Schedule = "never"
	if _, err := c.Prepare(spec, domain.JobID{}); domain.ErrorCode(err) != domain.CodeInvalid {
		t.Errorf("%v", err)
	}
}
