package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"
)

// stalled is the writer of a client that takes nothing until it is let go.
type stalled struct {
	*httptest.ResponseRecorder
	once  sync.Once
	wrote chan struct{} // closed at the first write
	let   chan struct{}
}

func (s *stalled) Write(b []byte) (int, error) {
	s.once.Do(func() { close(s.wrote) })
	<-s.let
	return s.ResponseRecorder.Write(b)
}

// TestAnswersHoldABoundedRoom: clients that take nothing of large answers keep further ones of
// theirs out, with 429, and nobody else, and what they held is free when they are gone.
func TestAnswersHoldABoundedRoom(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	var lines strings.Builder
	for range 80 {
		lines.WriteString(laidOver(`"headers":{"X-A":"`+strings.Repeat("a", 30_000)+`"}`) + "\n")
	}
	call(t, h, "POST", "/jobs/import", lines.String(), "Content-Type: application/x-ndjson")
	for _, row := range []struct {
		path  string
		holds int // answers at a time
	}{{"/jobs?limit=1000", 3}, {"/jobs/export", maxExportsPerCaller}} {
		let := make(chan struct{})
		var all sync.WaitGroup
		for range row.holds {
			w := &stalled{ResponseRecorder: httptest.NewRecorder(), wrote: make(chan struct{}), let: let}
			all.Go(func() {
				h.ServeHTTP(w, requestFor("GET", row.path))
				if w.Code != http.StatusOK {
					t.Errorf("%s: %d", row.path, w.Code)
				}
			})
			<-w.wrote
		}
		res := call(t, h, "GET", row.path, "")
		if res.problem(t, 429); res.Header.Get("Retry-After") == "" {
			t.Errorf("%s: no Retry-After", row.path)
		}
		other := httptest.NewRecorder()
		r := requestFor("GET", row.path)
		r.RemoteAddr = "192.0.2.77:1"
		h.ServeHTTP(other, r)
		if other.Code != http.StatusOK {
			t.Errorf("%s of another caller: %d %s", row.path, other.Code, other.Body)
		}
		for _, path := range []string{"/healthz", "/observability/metrics", "/openapi.json",
			"/jobs/" + f.jobs(t)[0].ID.String()} {
			if res := call(t, h, "GET", path, ""); res.StatusCode != 200 {
				t.Errorf("beside %s: %s is %d", row.path, path, res.StatusCode)
			}
		}
		create(t, h, minimal)
		close(let)
		all.Wait()
		if res := call(t, h, "GET", row.path, ""); res.StatusCode != 200 {
			t.Errorf("%s afterwards: %d", row.path, res.StatusCode)
		}
	}
}

func requestFor(method, path string) *http.Request {
	r := httptest.NewRequest(method, path, nil)
	r.Host = "localhost"
	return r
}

// TestRoom holds the arithmetic: what one request may take fits into what there is, several times.
func TestRoom(t *testing.T) {
	t.Parallel()
	for _, maxBody := range []int64{DefaultMaxBody, 16 << 20} {
		rm := newRoom(maxBody, time.Millisecond)
		ctx := context.WithValue(t.Context(), heldKey{}, new(held))
		for range 3 {
			if err := take(ctx, rm.bodies, bodyCopies*maxBody+jobCost); err != nil {
				t.Errorf("bodies of %d: %v", maxBody, err)
			}
			if err := take(ctx, rm.answers, pageCost); err != nil && maxBody == DefaultMaxBody {
				t.Errorf("pages: %v", err)
			}
		}
	}
	const mib = 1 << 20
	sum := 1_000*48<<10 + answerBytes + bodyBytes + (maxExports+maxHistoryExports)*2*mib + maxImports*30*mib
	if sum > 160*mib {
		t.Errorf("all requests may hold %d MiB: the table in room.go says 160", sum/mib)
	}
	if bodyCopies*pageBytes > pageCost {
		t.Error("a page does not fit into its cost")
	}
}
