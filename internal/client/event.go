package client

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"iter"
	"strings"
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

// Events ranges over events, one a second, until the caller stops or the server ends the stream, which
// is an error.
func (c *Client) Events(ctx context.Context) iter.Seq2[Counters, error] {
	return func(yield func(Counters, error) bool) {
		res, err := c.server.do(ctx, call{method: "GET", path: []string{"events"}})
		if err != nil {
			yield(Counters{}, err)
			return
		}
		defer func() { _ = res.Body.Close() }()
		if t := mediaType(res); t != "text/event-stream" {
			yield(Counters{}, fmt.Errorf("%w: it is %q, not a stream of events", ErrAnswer, t))
			return
		}
		lines := bufio.NewScanner(tagged{res.Body})
		for lines.Scan() {
			data, found := strings.CutPrefix(lines.Text(), "data: ")
			if !found {
				continue
			}
			var e Counters
			if err := json.Unmarshal([]byte(data), &e); err != nil {
				yield(e, fmt.Errorf("%w: %w", ErrAnswer, err))
				return
			}
			if !yield(e, nil) {
				return
			}
		}
		if err := lines.Err(); err != nil {
			yield(Counters{}, err)
			return
		}
		yield(Counters{}, io.ErrUnexpectedEOF)
	}
}
