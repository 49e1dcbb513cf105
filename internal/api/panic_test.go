package api

import (
	"context"
	"maps"
	"math"
	"net/http"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// panicking is a store whose lists panic.
type panicking struct{ store.Store }

func (s panicking) History() store.History { return panickingHistory{s.Store.History()} }

type panickingHistory struct{ store.History }

func (panickingHistory) List(context.Context, store.ExecutionQuery) (store.ExecutionPage, error) {
	panic("canary-panic")
}

// TestPanicsDoNotStopTheTimetable lets handlers panic without pause while a job
// fires each second: it goes on, and leaves out no second.
func TestPanicsDoNotStopTheTimetable(t *testing.T) {
	t.Parallel()
	stopped := make(chan struct{})
	t.Cleanup(func() { close(stopped) }) // after the engine has stopped: newReal comes later
	h, x := newReal(t, func(c *Config) { c.Store = panicking{c.Store} })
	fired := make(chan int64, 1000) // for longer than the test lasts
	go func() {                     // what fires after the last look is answered too
		for {
			select {
			case c := <-x.called:
				x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
				fired <- c.Key.ScheduledAt
			case <-stopped:
				return
			}
		}
	}()
	create(t, h, `{"schedule":"* * * * * *","api":"https://example.com/hook","type":"ATLEAST_ONCE"}`)
	stop := make(chan struct{})
	var storm sync.WaitGroup
	for range 4 {
		storm.Go(func() {
			for {
				select {
				case <-stop:
					return
				default:
				}
				if res := call(t, h, http.MethodGet, "/observability/executions/recent", ""); res.StatusCode != 500 {
					t.Errorf("status %d", res.StatusCode)
				}
			}
		})
	}
	defer storm.Wait()
	defer close(stop)
	// A second that a stall has made late may come after others.
	seen := make(map[int64]bool)
	for first, limit := int64(math.MaxInt64), time.After(time.Minute); !(seen[first] && seen[first+1000] &&
		seen[first+2000] && seen[first+3000]); {
		select {
		case at := <-fired:
			if seen[at] {
				t.Errorf("fired for %d twice", at)
			}
			seen[at] = true
			first = min(first, at)
		case <-limit:
			t.Fatalf("the job does not fire any more, or not each second: %v", slices.Sorted(maps.Keys(seen)))
		}
	}
}
