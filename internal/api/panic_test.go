package api

import (
	"context"
	"net/http"
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

func (panickingHistory) Recent(context.Context, store.Page) ([]domain.Execution, error) {
	panic("canary-panic")
}

// TestPanicsDoNotStopTheTimetable lets handlers panic without pause while a job
// fires each second: it goes on, second by second.
func TestPanicsDoNotStopTheTimetable(t *testing.T) {
	h, x := newReal(t, func(c *Config) { c.Store = panicking{c.Store} })
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
	var last int64
	for range 4 {
		select {
		case c := <-x.called:
			x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
			if last != 0 && c.Key.ScheduledAt != last+1000 {
				t.Errorf("fired for %d after %d", c.Key.ScheduledAt, last)
			}
			last = c.Key.ScheduledAt
		case <-time.After(30 * time.Second):
			t.Fatal("the job does not fire any more")
		}
	}
}
