package bench

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
)

// Pages is the effect of open pages of the dashboard on the fires: the same jobs alone, and while the pages follow
// the events and refresh what they show.
type Pages struct {
	Pages   int     `json:"pages"`
	Alone   Burst   `json:"alone"`
	With    Burst   `json:"with"`
	Events  int64   `json:"events"`  // that have come, to all pages
	Answers int64   `json:"answers"` // to what pages have asked
	Bytes   int64   `json:"bytes"`   // of these
	Factor  float64 `json:"p99Factor"`
}

// refresh is what a view asks for again and again.
type refresh struct {
	path  string // JOB is the id of a job, FROM the instant of the answer before
	every time.Duration
}

// views are what the pages show, in turn: the overview, the list of jobs, and a job with its executions. The times and
// the sizes are those of web/src/views.
var views = [...][]refresh{
	{
		{"/observability/health", 3 * time.Second}, {"/observability/metrics", 3 * time.Second},
		{"/observability/alerts?open=true&limit=500", 5 * time.Second}, {"/hosts?limit=100", 5 * time.Second},
		{"/observability/series?step=minute", 10 * time.Second}, {"/cluster", 10 * time.Second},
	},
	{{"/jobs?limit=50&include=lastExecution", 5 * time.Second}},
	{
		{"/jobs/JOB", 5 * time.Second}, {"/jobs/JOB/executions?limit=50", 3 * time.Second},
		{"/jobs/JOB/executions?limit=200", time.Minute},
		{"/jobs/JOB/executions?limit=200&from=FROM", 10 * time.Second},
	},
}

// Pages measures n jobs each second, spread over it, with and without so many open pages.
func (b *Bench) Pages(ctx context.Context, n, seconds, pages int) (out Pages, err error) {
	out.Pages = pages
	m := burst{jobs: n, seconds: seconds, jitter: time.Second, path: "/ok"}
	if out.Alone, err = b.env.burst(ctx, m); err != nil {
		return out, err
	}
	w, err := b.env.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	open := browser{world: w}
	m.meanwhile = func(ctx context.Context) error { return open.show(ctx, pages) }
	if out.With, err = w.burst(ctx, m); err != nil {
		return out, err
	}
	out.Events, out.Answers, out.Bytes = open.events.Load(), open.answers.Load(), open.bytes.Load()
	if out.Alone.Lateness.P99 > 0 {
		out.Factor = out.With.Lateness.P99 / out.Alone.Lateness.P99
	}
	b.env.say("%d open pages: p99 %.1f ms with them, %.1f ms without", pages, out.With.Lateness.P99,
		out.Alone.Lateness.P99)
	return out, nil
}

// browser has pages open. It decodes nothing: that would be work of another machine.
type browser struct {
	*world

	events, answers, bytes atomic.Int64
}

// show keeps pages open until the context ends. Each is about another job.
func (w *browser) show(ctx context.Context, pages int) error {
	ids := make([]string, 0, pages)
	for j, err := range w.api.Jobs.List(ctx, client.JobFilter{PageSize: pages}) {
		if err != nil {
			return err
		}
		if ids = append(ids, j.ID); len(ids) == pages {
			break
		}
	}
	if len(ids) == 0 {
		return errors.New("there is no job to show")
	}
	var all sync.WaitGroup
	faults := make(chan error, pages)
	note := func(err error) { // what is cut off by the end is not an error
		if err != nil && ctx.Err() == nil {
			select {
			case faults <- err:
			default:
			}
		}
	}
	for i := range pages {
		// A browser has one connection for the stream, and some for the rest.
		page := &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 6}}
		all.Go(func() {
			note(w.follow(ctx, page))
			page.CloseIdleConnections()
		})
		for _, r := range views[i%len(views)] {
			path := strings.ReplaceAll(r.path, "JOB", ids[i%len(ids)])
			all.Go(func() {
				wait := r.every * time.Duration(i) / time.Duration(pages) // pages are opened at different times
				for clock.Wait(ctx, wait) {
					before := clock.System{}.Now().Add(-r.every).UnixMilli()
					path := strings.ReplaceAll(path, "FROM", strconv.FormatInt(before, 10))
					if err := w.get(ctx, page, path); err != nil {
						note(err)
						return
					}
					wait = r.every
				}
			})
		}
	}
	all.Wait()
	close(faults)
	return <-faults // nil when there was none
}

// follow reads the stream of events until the context ends.
func (w *browser) follow(ctx context.Context, page *http.Client) error {
	res, err := w.open(ctx, page, "/events")
	if err != nil {
		return err
	}
	defer func() { _ = res.Body.Close() }()
	piece := make([]byte, 4<<10)
	for {
		n, err := res.Body.Read(piece) // each event is flushed by itself
		if n > 0 && strings.Contains(string(piece[:n]), "event: ") {
			w.events.Add(1)
		}
		if err != nil {
			return fmt.Errorf("the stream of events has ended: %w", err)
		}
	}
}

func (w *browser) get(ctx context.Context, page *http.Client, path string) error {
	res, err := w.open(ctx, page, path)
	if err != nil {
		return err
	}
	n, err := io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	w.answers.Add(1)
	w.bytes.Add(n)
	return err
}

func (w *browser) open(ctx context.Context, page *http.Client, path string) (*http.Response, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.url+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := page.Do(req)
	if err != nil {
		return nil, err
	}
	if res.StatusCode != http.StatusOK {
		_ = res.Body.Close()
		return nil, fmt.Errorf("GET %s: %s", path, res.Status)
	}
	return res, nil
}
