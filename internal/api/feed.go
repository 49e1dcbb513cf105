package api

import (
	"context"
	"encoding/json"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

const (
	// maxFeedClients is how many may read events at a time. Each costs a write of some 300 bytes a second.
	maxFeedClients = 256
	// maxFeedOfCaller is how many of them may be one caller's: 50 open pages, and some more. Who has one key takes
	// a quarter of the places.
	maxFeedOfCaller = 64
	feedEvery       = time.Second
)

// feed makes an event once a second for all of its clients, while there are any. Each event is whole:
// it says what it says without those before it, so that none is kept.
type feed struct {
	count func(ctx context.Context) eventBody

	mu      sync.Mutex
	clients int
	of      map[string]int // clients by caller; none is zero
	latest  *event         // nil: there is none yet
	stop    func()         // ends the producer, and waits for it
}

// event is one that was made.
type event struct {
	id   int64         // its instant, or later where a clock was set back: those that follow have greater ones
	data []byte        // JSON
	next chan struct{} // is closed once there is a later one
}

// join adds a client of a caller. It returns nil, or the refusal when there are as many as there may be.
func (f *feed) join(caller string) *Problem {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch {
	case f.of[caller] >= maxFeedOfCaller:
		return kindBusy.problem("%d clients with your key follow the events already.", maxFeedOfCaller).
			throttled(atATime("events", maxFeedOfCaller), busyWait)
	case f.clients >= maxFeedClients:
		return kindBusy.problem("%d clients follow the events already.", maxFeedClients).
			throttled(atATime("events", maxFeedClients), busyWait)
	}
	if f.of == nil {
		f.of = map[string]int{}
	}
	f.of[caller]++
	f.clients++
	if f.clients == 1 {
		f.latest = &event{next: make(chan struct{})}
		ctx, cancel := context.WithCancel(context.Background())
		ended := make(chan struct{})
		f.stop = func() { cancel(); <-ended }
		go func() {
			defer close(ended)
			f.run(ctx)
		}()
	}
	return nil
}

// leave removes a client of a caller. With the last one the producer ends.
func (f *feed) leave(caller string) {
	f.mu.Lock()
	if f.of[caller]--; f.of[caller] == 0 {
		delete(f.of, caller)
	}
	f.clients--
	stop := f.stop
	if f.clients > 0 {
		stop = func() {}
	}
	f.mu.Unlock()
	stop()
}

// now returns the latest event; one without data comes before the first.
func (f *feed) now() *event {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.latest
}

// run makes events until the context ends.
func (f *feed) run(ctx context.Context) {
	for {
		asked, cancel := context.WithTimeout(ctx, feedEvery) // what the store does not tell in time is absent
		body := f.count(asked)
		cancel()
		data, err := json.Marshal(body)
		if ctx.Err() != nil {
			return
		}
		if err == nil {
			f.mu.Lock()
			last := f.latest
			f.latest = &event{max(body.At, last.id+1), data, make(chan struct{})}
			f.mu.Unlock()
			close(last.next)
		}
		if !clock.Wait(ctx, feedEvery) {
			return
		}
	}
}
