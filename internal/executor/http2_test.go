package executor

import (
	"bytes"
	"compress/gzip"
	"crypto/tls"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// h2Server is a server of net/http that speaks both protocols, and counts connections by
// protocol.
type h2Server struct {
	*httptest.Server
	http1, http2 atomic.Int64
}

func serveBoth(t testing.TB, ca *authority, handler http.HandlerFunc) *h2Server {
	t.Helper()
	s := new(h2Server)
	s.Server = httptest.NewUnstartedServer(handler)
	s.TLS = &tls.Config{Certificates: []tls.Certificate{ca.sign(t, nil)}}
	s.TLS.VerifyConnection = func(state tls.ConnectionState) error {
		if state.NegotiatedProtocol == "h2" {
			s.http2.Add(1)
		} else {
			s.http1.Add(1)
		}
		return nil
	}
	s.EnableHTTP2 = true
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *h2Server) url(path string) string {
	_, port, _ := net.SplitHostPort(s.Listener.Addr().String())
	return "https://hook.test:" + port + path
}

// Calls to a target that offers HTTP/2 share a connection.
func TestHTTP2(t *testing.T) {
	ca := newAuthority(t)
	s := serveBoth(t, ca, func(w http.ResponseWriter, r *http.Request) {
		if r.Proto != "HTTP/2.0" {
			w.WriteHeader(http.StatusHTTPVersionNotSupported)
		}
	})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool})
	for range 3 {
		mustSucceed(t, x, newCall(s.url("/hook")))
	}
	once := newCall(s.url("/hook"))
	once.Once = true
	mustSucceed(t, x, once)
	var wg sync.WaitGroup
	for range 50 {
		wg.Go(func() { mustSucceed(t, x, newCall(s.url("/hook"))) })
	}
	wg.Wait()
	if c := x.Counts(); c != (Counts{HTTP2: 54}) {
		t.Errorf("counted %+v, want 54 by HTTP/2", c)
	}
	if n := s.http2.Load(); n != 1 || s.http1.Load() != 0 {
		t.Errorf("%d connections of HTTP/2 and %d of HTTP/1.1, want one", n, s.http1.Load())
	}
}

// Without HTTP/2 the handshake does not offer it.
func TestNoHTTP2(t *testing.T) {
	ca := newAuthority(t)
	s := serveBoth(t, ca, func(http.ResponseWriter, *http.Request) {})
	x := newTLSExecutor(t, Config{RootCAs: ca.pool, NoHTTP2: true})
	mustSucceed(t, x, newCall(s.url("/hook")))
	if s.http2.Load() != 0 || s.http1.Load() != 1 {
		t.Error("HTTP/2 was agreed on")
	}
}

// stopped is a wall clock that does not go on.
type stopped struct {
	clock.System
	at time.Time
}

func (s stopped) Now() time.Time { return s.at }

// requestOf is what a server has seen of a request, but for its protocol.
func requestOf(r *http.Request) string {
	body, _ := io.ReadAll(r.Body)
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s %s %d\n", r.Method, r.Host, r.RequestURI, r.ContentLength)
	for _, name := range slices.Sorted(maps.Keys(r.Header)) {
		fmt.Fprintf(&b, "%s: %q\n", name, r.Header[name])
	}
	return b.String() + string(body)
}

// A target gets the same request by both protocols.
func TestSameRequest(t *testing.T) {
	ca := newAuthority(t)
	seen := make(chan string, 1)
	s := serveBoth(t, ca, func(_ http.ResponseWriter, r *http.Request) { seen <- requestOf(r) })
	wall := stopped{at: time.Now()}
	one := newTLSExecutor(t, Config{RootCAs: ca.pool, NoHTTP2: true,
		Signing: Signing{Of: forAll(newSigner(t, secretA))}, Clock: wall})
	two := newTLSExecutor(t, Config{RootCAs: ca.pool, Signing: Signing{Of: forAll(newSigner(t, secretA))}, Clock: wall})
	for name, edit := range map[string]func(c *domain.Call){
		"default":    func(*domain.Call) {},
		"own body":   func(c *domain.Call) { c.Body, c.BodyIsJSON = []byte(`{"a":1}`), true },
		"text":       func(c *domain.Call) { c.Body = []byte("hello") },
		"empty body": func(c *domain.Call) { c.Body = []byte{} },
		"long body":  func(c *domain.Call) { c.Body = bytes.Repeat([]byte("x"), 300<<10) },
		"GET":        func(c *domain.Call) { c.Method = "GET" },
		"DELETE":     func(c *domain.Call) { c.Method = "DELETE" },
		"headers": func(c *domain.Call) {
			c.Headers = map[string]string{"authorization": "Bearer x", "X-Empty": "", "x-a": " a ", "User-Agent": "own",
				"TE": "trailers"}
		},
		"path":    func(c *domain.Call) { c.URL += "?a=b c&d=%20" },
		"no path": func(c *domain.Call) { c.URL = strings.TrimSuffix(c.URL, "/hook") },
	} {
		t.Run(name, func(t *testing.T) {
			call := newCall(s.url("/hook"))
			edit(call)
			mustSucceed(t, one, call)
			want := <-seen
			mustSucceed(t, two, call)
			if got := <-seen; got != want {
				t.Errorf("HTTP/2\n%s\nHTTP/1.1\n%s", got, want)
			}
		})
	}
	if s.http1.Load() == 0 || s.http2.Load() == 0 {
		t.Error("one of the protocols was not used")
	}
}

// The same answer has the same outcome by both protocols.
func TestSameOutcome(t *testing.T) {
	ca := newAuthority(t)
	answers := map[string]http.HandlerFunc{
		"ok":  func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "ok") },
		"204": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(204) },
		"304": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(304) },
		"404": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no  such\thing\x01", 404) },
		"redirect": func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/other", http.StatusTemporaryRedirect)
		},
		"599": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(599) },
		"999": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(999) },
		"retry after": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Retry-After", "7.5")
			http.Error(w, strings.Repeat("é", 5000), http.StatusServiceUnavailable)
		},
		"secret": func(w http.ResponseWriter, r *http.Request) {
			http.Error(w, r.Header.Get("Authorization"), http.StatusUnauthorized)
		},
		"gzip": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Encoding", "gzip")
			w.WriteHeader(500)
			z := gzip.NewWriter(w)
			_, _ = z.Write(make([]byte, 100))
			_ = z.Close()
		},
		"binary": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Type", "image/png")
			w.Header().Set("Content-Length", "2000")
			w.WriteHeader(500)
			_, _ = w.Write(make([]byte, 2000))
		},
		"interim": func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(103)
			w.WriteHeader(200)
		},
		"long":       func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(make([]byte, 1<<20)) },
		"long error": func(w http.ResponseWriter, _ *http.Request) { http.Error(w, strings.Repeat("x", 1<<20), 400) },
		"large header": func(w http.ResponseWriter, _ *http.Request) {
			for i := range 40 {
				w.Header().Set("X-"+strconv.Itoa(i), strings.Repeat("x", 1000))
			}
		},
		"trailer": func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Trailer", "X-End")
			_, _ = io.WriteString(w, "ok")
			w.Header().Set("X-End", "y")
		},
		"early": func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(413) }, // before the body is read
	}
	s := serveBoth(t, ca, func(w http.ResponseWriter, r *http.Request) { answers[r.URL.Query().Get("q")](w, r) })
	one := newTLSExecutor(t, Config{RootCAs: ca.pool, NoHTTP2: true})
	two := newTLSExecutor(t, Config{RootCAs: ca.pool})
	for name := range answers {
		for _, method := range []string{"POST", "HEAD"} {
			t.Run(method+" "+name, func(t *testing.T) {
				call := newCall(s.url("/hook?q=" + strings.ReplaceAll(name, " ", "+")))
				call.Method = method
				call.Headers = map[string]string{"Authorization": "Bearer abcdefghij"}
				call.Secrets = []string{"abcdefghij"}
				if name == "early" {
					call.Body = make([]byte, 1<<20)
				}
				want, got := do(one, call), do(two, call)
				want.Took, got.Took, want.Held, got.Held = 0, 0, 0, 0
				wantOutcome(t, got, want)
			})
		}
	}
	if s.http2.Load() == 0 {
		t.Error("HTTP/2 was not used")
	}
}
