package client

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"strings"
	"time"
)

// Counters are an event: what goes on at the servers on the database.
type Counters struct {
	At        int64 `json:"at"`
	Since     int64 `json:"since"` // from when on Completed counts
	Completed *struct {
		Success int64 `json:"success"`
		Failed  int64 `json:"failed"`
		Skipped int64 `json:"skipped"`
		Missed  int64 `json:"missed"`
		Unknown int64 `json:"unknown"`
	} `json:"completed"` // nil: the database does not answer
	FiresPerSecond float64 `json:"firesPerSecond"`
	InFlight       int     `json:"inFlight"`
	Queued         int     `json:"queued"`
	DriftMs        *struct {
		P50 int64 `json:"p50"`
		P99 int64 `json:"p99"`
	} `json:"driftMs"` // of the last minute; nil: nothing was sent
	Health  string `json:"health"` // healthy or unhealthy
	Nodes   int    `json:"nodes"`
	Partial bool   `json:"partial"` // a server that fires jobs has not told
}

// ErrSilent means that a connection seems to be dead: what should have come every 10 s has not come for 30 s. The time
// that the caller takes for an event does not count.
var ErrSilent = errors.New("nothing has come from the server")

// Events ranges over events, one a second, until the caller stops. A stream that ends or breaks
// ([io.ErrUnexpectedEOF]), one that is silent ([ErrSilent]), a server that cannot be reached, and one that cannot
// answer now ([Problem.Temporary]), are an error each; a caller that goes on after it gets the events of the next
// connection, 2 s later. When the server refuses, or the answer is no stream of events, that is the last one.
func (c *Client) Events(ctx context.Context) iter.Seq2[Counters, error] {
	return func(yield func(Counters, error) bool) {
		s := eventStream{server: c.server, times: c.events, yield: yield}
		for goesOn := true; goesOn; {
			err := s.follow(ctx)
			if err == nil { // the caller has stopped
				return
			}
			goesOn = yield(Counters{}, err) && !s.refused && sleep(ctx, c.events.retry)
		}
	}
}

// eventStream is the connections of one call of Events.
type eventStream struct {
	server  *connection
	times   eventTimes
	yield   func(Counters, error) bool
	last    string // the id of the last event
	refused bool   // another connection would fare no better
}

// follow yields the events of one connection, and returns why it has ended; nil: the caller has stopped.
func (s *eventStream) follow(ctx context.Context) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	silence := time.AfterFunc(s.times.silence, func() { cancel(ErrSilent) })
	defer silence.Stop()
	in := call{method: "GET", path: []string{"events"}}
	if s.last != "" {
		in.header = http.Header{"Last-Event-Id": {s.last}}
	}
	res, err := s.server.do(ctx, in)
	if err != nil {
		problem, answered := errors.AsType[*Problem](err)
		s.refused = answered && !problem.Temporary()
		return s.why(ctx, err)
	}
	defer func() { _ = res.Body.Close() }()
	if t := mediaType(res); t != "text/event-stream" {
		s.refused = true
		return fmt.Errorf("%w: it is %q, not a stream of events", ErrAnswer, t)
	}
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		silence.Reset(s.times.silence)
		if id, found := strings.CutPrefix(lines.Text(), "id: "); found {
			s.last = id
		}
		data, found := strings.CutPrefix(lines.Text(), "data: ")
		if !found {
			continue
		}
		var e Counters
		if err := json.Unmarshal([]byte(data), &e); err != nil {
			s.refused = true
			return fmt.Errorf("%w: %w", ErrAnswer, err)
		}
		silence.Stop() // while the caller has the event, nothing is read
		if !s.yield(e, nil) {
			return nil
		}
		silence.Reset(s.times.silence)
	}
	err = lines.Err()
	switch s.refused = errors.Is(err, bufio.ErrTooLong); {
	case s.refused:
		return fmt.Errorf("%w: %w", ErrAnswer, err)
	case err != nil:
		return s.why(ctx, fmt.Errorf("%w: %w", io.ErrUnexpectedEOF, err))
	}
	return io.ErrUnexpectedEOF
}

// why returns the reason of an error: [ErrSilent] where nothing has come.
func (s *eventStream) why(ctx context.Context, err error) error {
	if errors.Is(context.Cause(ctx), ErrSilent) {
		return fmt.Errorf("%w for %s", ErrSilent, s.times.silence)
	}
	return err
}
