package peer

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/nettest"
)

// TestCarried: what reaches the other node, and what comes back.
func TestCarried(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	res, outcome, err := w.send(t.Context())
	if err != nil || outcome != Answered {
		t.Fatal(outcome, err)
	}
	body, err := io.ReadAll(res.Body)
	if err != nil || string(body) != "an answer" || res.StatusCode != 200 || res.Header.Get("Etag") != `"7"` {
		t.Errorf("%d %s %v %v", res.StatusCode, body, res.Header, err)
	}
	got := w.got.Load()
	want := &received{method: "PUT", uri: "/jobs/1?time=rfc3339", body: `{"name":"x"}`, caller: alice,
		header: http.Header{"Content-Type": {"application/json"}, "If-Match": {`"6"`}, "Content-Length": {"12"}}}
	if diff := cmp.Diff(want, got, cmp.AllowUnexported(received{})); diff != "" {
		t.Error(diff)
	}
}

// TestAnswers: every kind of answer comes back as it was given.
func TestAnswers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		method string
		status int
		header http.Header
		body   string
	}{
		{"GET", 200, http.Header{"Etag": {`"1"`}, "Link": {"<a>", "<b>"}}, "text"},
		{"GET", 304, http.Header{"Etag": {`"1"`}}, ""},
		{"DELETE", 204, http.Header{}, ""},
		{"POST", 201, http.Header{"Location": {"/jobs/1"}}, `{"jobId":"1"}`},
		{"HEAD", 200, http.Header{"Etag": {`"1"`}}, ""},
		{"PUT", 422, http.Header{"Content-Type": {"application/problem+json"}}, strings.Repeat("long ", 100_000)},
		{"GET", 503, http.Header{"Retry-After": {"1"}}, ""},
	} {
		t.Run(fmt.Sprint(row.method, row.status), func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.answer = func(rw http.ResponseWriter, _ *http.Request) {
				for name, values := range row.header {
					rw.Header()[name] = values
				}
				rw.Header().Set("Connection", "close")
				rw.WriteHeader(http.StatusEarlyHints)
				rw.WriteHeader(row.status)
				rw.WriteHeader(http.StatusTeapot) // too late
				if row.body != "" {
					_, _ = io.WriteString(rw, row.body)
				}
			}
			r, body := request(row.method, "/jobs/1", "")
			res, outcome, err := w.link.Send(t.Context(), w.node, r, body, alice)
			if err != nil || outcome != Answered {
				t.Fatal(outcome, err)
			}
			text, err := io.ReadAll(res.Body)
			res.Header.Del("Content-Length")
			if err != nil || res.StatusCode != row.status || string(text) != row.body {
				t.Errorf("%d, %d bytes, %v", res.StatusCode, len(text), err)
			}
			if diff := cmp.Diff(row.header, res.Header); diff != "" {
				t.Error(diff)
			}
		})
	}
}

// message is a message as it goes over the wire.
func (w *world) message() (value string, body []byte) {
	w.t.Helper()
	r, text := request("DELETE", "/jobs/1", "")
	body, err := packRequest(r, text)
	if err != nil {
		w.t.Fatal(err)
	}
	h := newHead("a", w.node, clock.NowMs(w.clock), alice, body)
	value, err = h.pack(w.keys)
	if err != nil {
		w.t.Fatal(err)
	}
	return value, body
}

// post gives a message to the gate, without a network.
func (w *world) post(value string, body io.Reader) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, Path, body)
	r.Header.Set(headerHead, value)
	rec := httptest.NewRecorder()
	w.gate.ServeHTTP(rec, r)
	return rec
}

// TestEveryByteCounts changes each byte of a message in turn. None reaches the API.
func TestEveryByteCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	value, body := w.message()
	for i := range len(value) {
		for _, c := range []byte{'A', 'B', '.', value[i] ^ 1} {
			changed := []byte(value)
			if changed[i] == c {
				continue
			}
			changed[i] = c
			if rec := w.post(string(changed), bytes.NewReader(body)); rec.Code != http.StatusForbidden {
				t.Fatalf("byte %d of the head as %q: %d", i, c, rec.Code)
			}
		}
	}
	for i := range len(body) + 2 {
		value, body := w.message() // the nonce of the one before is spent
		changed := bytes.Clone(body)
		switch {
		case i < len(body):
			changed[i] ^= 1
		case i == len(body):
			changed = append(changed, ' ')
		default:
			changed = changed[:len(changed)-1]
		}
		if rec := w.post(value, bytes.NewReader(changed)); rec.Code != http.StatusBadRequest {
			t.Fatalf("byte %d of the body: %d", i, rec.Code)
		}
	}
	if n := w.calls.Load(); n != 0 {
		t.Fatalf("%d changed requests have reached the API", n)
	}
	if rec := w.post(value, bytes.NewReader(body)); rec.Code != http.StatusOK || w.calls.Load() != 1 {
		t.Errorf("the request itself: %d", rec.Code)
	}
}

// unread fails if anybody reads it.
type unread struct{ t *testing.T }

func (u unread) Read([]byte) (int, error) {
	u.t.Error("the body of a stranger is read")
	return 0, io.EOF
}

// TestForgedHeads: without a right head the body is not read, and other methods do nothing.
func TestForgedHeads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	others, err := NewKeys([]byte(strings.Repeat("o", minSecret)))
	if err != nil {
		t.Fatal(err)
	}
	h := newHead("a", w.node, clock.NowMs(w.clock), alice, nil)
	foreign, err := h.pack(others)
	if err != nil {
		t.Fatal(err)
	}
	answerAsRequest := coding.EncodeToString([]byte("{}")) + "." +
		coding.EncodeToString(w.keys.sign(ofAnswer, []byte("{}")))
	for _, value := range []string{
		"", ".", "a.b", foreign, answerAsRequest, strings.Repeat("A", 100_000) + ".",
		strings.Repeat("A", 100_000) + "." + strings.Repeat("A", 43),
	} {
		if rec := w.post(value, unread{t}); rec.Code != http.StatusForbidden {
			t.Errorf("%.30q: %d", value, rec.Code)
		}
	}
	rec := httptest.NewRecorder()
	w.gate.ServeHTTP(rec, httptest.NewRequest(http.MethodGet, Path, nil))
	if rec.Code != http.StatusMethodNotAllowed || w.calls.Load() != 0 {
		t.Errorf("GET: %d", rec.Code)
	}
}

// TestJudge is the truth table of heads whose MAC is right.
func TestJudge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const now, window = int64(1_800_000_000_000), int64(Window / time.Millisecond)
	for _, row := range []struct {
		what   string
		change func(*head)
		want   verdict
	}{
		{"as it should be", func(*head) {}, taken},
		{"of a later version", func(h *head) { h.Version++ }, unknownTo},
		{"for another node", func(h *head) { h.To = "c" }, otherNode},
		{"for the start before", func(h *head) { h.Token++ }, otherNode},
		{"as old as may be", func(h *head) { h.At = now - window }, taken},
		{"too old", func(h *head) { h.At = now - window - 1 }, untimely},
		{"by a clock that is ahead", func(h *head) { h.At = now + window }, taken},
		{"by one that is too far ahead", func(h *head) { h.At = now + window + 1 }, untimely},
		{"of the beginning of time", func(h *head) { h.At = -1 << 63 }, untimely},
		{"as large as may be", func(h *head) { h.Length = DefaultMaxRequest }, taken},
		{"too large", func(h *head) { h.Length = DefaultMaxRequest + 1 }, tooLarge},
		{"with a short nonce", func(h *head) { h.Nonce = h.Nonce[1:] }, unknownTo},
		{"of a negative length", func(h *head) { h.Length = -1 }, tooLarge},
	} {
		h := newHead("a", w.node, now, alice, nil)
		row.change(&h)
		if got := w.gate.judge(&h, now); got != row.want {
			t.Errorf("%s: %d, want %d", row.what, got, row.want)
		}
		if row.want == taken {
			if got := w.gate.judge(&h, now); got != copied {
				t.Errorf("a copy of one that is %s: %d, want %d", row.what, got, copied)
			}
		}
	}
}

// TestCopiesAtTheSameTime: of a hundred copies one is taken.
func TestCopiesAtTheSameTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(g *GateConfig, _ *LinkConfig) { g.AtOnce = 100 })
	value, body := w.message()
	var all sync.WaitGroup
	for range 100 {
		all.Go(func() { w.post(value, bytes.NewReader(body)) })
	}
	all.Wait()
	if n := w.calls.Load(); n != 1 {
		t.Errorf("%d copies were taken", n)
	}
}

// TestOutcomeOf is the truth table of what is known of a request.
func TestOutcomeOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		begun bool
		shown proof
		want  Outcome
	}{
		{false, nothing, NotSent}, {true, nothing, Unknown}, {true, answer, Answered}, {true, refused, NotSent},
		{false, answer, Answered}, {false, refused, NotSent},
	} {
		if got := outcomeOf(row.begun, row.shown); got != row.want {
			t.Errorf("%+v: %d", row, got)
		}
	}
}

// TestRefusals: what a node of the cluster has refused was certainly not carried out. A
// stranger cannot say so.
func TestRefusals(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.wants(t.Context(), "right", Answered, 1)
	w.node.Token++
	w.wants(t.Context(), "another start", NotSent, 0)
	w.node.Token--
	w.clock.Step(time.Minute)
	w.wants(t.Context(), "a clock a minute ahead", NotSent, 0)
	w.clock.Step(-2 * time.Minute)
	w.wants(t.Context(), "a clock a minute behind", NotSent, 0)
	w.clock.Step(time.Minute)
	w.meddle(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(rw http.ResponseWriter, _ *http.Request) {
			rw.Header().Set(headerRefuse, coding.EncodeToString(make([]byte, macSize)))
			rw.WriteHeader(http.StatusMisdirectedRequest)
		})
	})
	w.wants(t.Context(), "a refusal of a stranger", Unknown, 0)
	w.meddle(func(next http.Handler) http.Handler { // the request was taken, and comes again
		return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			for _, to := range []http.ResponseWriter{httptest.NewRecorder(), rw} {
				r.Body = io.NopCloser(bytes.NewReader(body))
				next.ServeHTTP(to, r)
			}
		})
	})
	w.wants(t.Context(), "a copy was taken first", Unknown, 1)
}

// TestForgedAnswers: whatever is changed in an answer, it is none.
func TestForgedAnswers(t *testing.T) {
	t.Parallel()
	changes := map[string]func(rec *httptest.ResponseRecorder){
		"another status inside": func(rec *httptest.ResponseRecorder) {
			text := bytes.Replace(rec.Body.Bytes(), []byte(" 200 "), []byte(" 404 "), 1)
			rec.Body = bytes.NewBuffer(text)
		},
		"a byte more": func(rec *httptest.ResponseRecorder) { rec.Body.WriteByte('!') },
		"a byte less": func(rec *httptest.ResponseRecorder) { rec.Body.Truncate(rec.Body.Len() - 1) },
		"nothing":     func(rec *httptest.ResponseRecorder) { rec.Body.Reset() },
		"no MAC":      func(rec *httptest.ResponseRecorder) { rec.Header().Del(headerAnswer) },
		"another MAC": func(rec *httptest.ResponseRecorder) { rec.Header().Set(headerAnswer, strings.Repeat("A", 43)) },
	}
	var kept *httptest.ResponseRecorder
	changes["the answer to another request"] = func(rec *httptest.ResponseRecorder) {
		rec.Body = bytes.NewBuffer(kept.Body.Bytes())
		rec.Header().Set(headerAnswer, kept.Header().Get(headerAnswer))
	}
	for what, change := range changes {
		w := newWorld(t)
		value, body := w.message()
		kept = w.post(value, bytes.NewReader(body))
		w.meddle(func(next http.Handler) http.Handler {
			return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
				rec := httptest.NewRecorder()
				next.ServeHTTP(rec, r)
				change(rec)
				rw.Header().Set(headerAnswer, rec.Header().Get(headerAnswer))
				_, _ = rw.Write(rec.Body.Bytes())
			})
		})
		w.wants(t.Context(), what, Unknown, 1)
	}
}

// TestCutConnections: what is known where a connection breaks.
func TestCutConnections(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.meddle(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) })
	})
	w.wants(t.Context(), "cut before the gate", Unknown, 0)
	w.meddle(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			next.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		})
	})
	w.wants(t.Context(), "cut before the answer", Unknown, 1)
	w.node.URL = "http://" + nettest.Refusing(t)
	w.wants(t.Context(), "nobody listens", NotSent, 0)
	w.node.URL = "http://127.0.0.1:1\n"
	w.wants(t.Context(), "an address that cannot be", NotSent, 0)
}

// TestSilence: a node that does not answer holds nobody up, and what is given up has an end.
func TestSilence(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	reached := make(chan struct{})
	w.answer = func(_ http.ResponseWriter, r *http.Request) {
		close(reached)
		<-r.Context().Done()
	}
	ctx, cancel := context.WithCancel(t.Context())
	go func() {
		<-reached
		cancel()
	}()
	w.wants(ctx, "a silent node", Unknown, 1)
	short := newWorld(t, func(_ *GateConfig, l *LinkConfig) { l.Timeout = time.Millisecond })
	short.meddle(func(http.Handler) http.Handler {
		return http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.Copy(io.Discard, r.Body) // only then a server notices that the client is gone
			<-r.Context().Done()
		})
	})
	if _, outcome, err := short.send(t.Context()); err == nil || outcome == Answered {
		t.Errorf("beyond the timeout: %d, %v", outcome, err)
	}
}

// TestLimits: an answer that is too large is none, and beyond the places of a gate
// requests are refused.
func TestLimits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(g *GateConfig, _ *LinkConfig) { g.MaxAnswer = 10 })
	w.wants(t.Context(), "9 bytes", Answered, 1)
	w.answer = func(rw http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(rw, "12345678901") }
	w.wants(t.Context(), "11 bytes", Unknown, 1)
	w = newWorld(t, func(_ *GateConfig, l *LinkConfig) { l.MaxAnswer = 10 })
	w.wants(t.Context(), "more than the link takes", Unknown, 1)

	w = newWorld(t, func(g *GateConfig, _ *LinkConfig) { g.AtOnce = 1 })
	inside, leave := make(chan struct{}), make(chan struct{})
	w.answer = func(http.ResponseWriter, *http.Request) { close(inside); <-leave }
	done := make(chan struct{})
	go func() { defer close(done); value, body := w.message(); w.post(value, bytes.NewReader(body)) }()
	<-inside
	value, body := w.message()
	if rec := w.post(value, bytes.NewReader(body)); rec.Code != http.StatusServiceUnavailable {
		t.Errorf("beyond the places: %d", rec.Code)
	}
	close(leave)
	<-done
}
