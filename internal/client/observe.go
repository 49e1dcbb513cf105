package client

import (
	"context"
	"iter"
	"net/http"
)

// Health is the state of the server.
type Health struct {
	Status        string           `json:"status"` // healthy or unhealthy
	Checks        map[string]Check `json:"checks"`
	Version       string           `json:"version"`
	Zones         string           `json:"zones"` // release of the time zone data, and where they are from
	UptimeSeconds int64            `json:"uptimeSeconds"`
}

// Check is one check of the server's health.
type Check struct {
	OK     bool   `json:"ok"`
	Detail string `json:"detail"` // the reason when it is not
	// Warning is a message about something that needs attention although the check is OK.
	Warning string `json:"warning"`
}

// Healthy reports whether all is well.
func (h Health) Healthy() bool { return h.Status == "healthy" }

// Health returns the server's health. An unhealthy server is not an error.
func (c *Client) Health(ctx context.Context) (Health, error) {
	var out Health
	err := c.server.exchange(ctx, call{method: http.MethodGet, path: []string{"observability", "health"}},
		nil, &out, http.StatusServiceUnavailable)
	return out, err
}

// Readiness is the answer of the server's readiness probe.
type Readiness struct {
	Status  string   `json:"status"`  // ready or unready
	Failing []string `json:"failing"` // names of the checks that fail
	Warning []string `json:"warning"` // names of the checks that warn
}

// Ready reports whether the server does its work.
func (r Readiness) Ready() bool { return r.Status == "ready" }

// Ready returns whether the server is ready. It needs no key. A server that is not ready
// is not an error.
func (c *Client) Ready(ctx context.Context) (Readiness, error) {
	var out Readiness
	err := c.server.exchange(ctx, call{method: http.MethodGet, path: []string{"readyz"}}, nil, &out,
		http.StatusServiceUnavailable)
	return out, err
}

// Metrics has the counters of the server since its database was created.
type Metrics struct {
	Jobs struct {
		Total  int64 `json:"total"`
		Active int64 `json:"active"`
	} `json:"jobs"`
	Executions struct {
		Total             int64   `json:"total"`
		Successful        int64   `json:"successful"`
		Failed            int64   `json:"failed"`
		Unknown           int64   `json:"unknown"`
		Skipped           int64   `json:"skipped"`
		Missed            int64   `json:"missed"`
		SuccessRate       string  `json:"successRate"` // "98.50%"
		RecentHour        int64   `json:"recentHour"`
		AverageDurationMs float64 `json:"averageDurationMs"`
	} `json:"executions"`
	Alerts struct {
		RecentFailures int64 `json:"recentFailures"`
	} `json:"alerts"`
	Timestamp int64 `json:"timestamp"`
}

// Metrics reads the counters.
func (c *Client) Metrics(ctx context.Context) (Metrics, error) {
	var out Metrics
	err := c.server.getJSON(ctx, &out, nil, "observability", "metrics")
	return out, err
}

// Alerts ranges over alerts, newest failure first. If openOnly is true, it ranges only
// over those of jobs that have not recovered.
func (c *Client) Alerts(ctx context.Context, openOnly bool, pageSize int) iter.Seq2[Alert, error] {
	return c.Failures.Alerts(ctx, AlertFilter{OpenOnly: openOnly, PageSize: pageSize})
}

// PreviewRequest has a schedule to explain.
type PreviewRequest struct {
	Schedule string `json:"schedule"`
	Timezone string `json:"timezone,omitempty"`
	After    string `json:"after,omitempty"` // RFC 3339; empty: now
	Count    int    `json:"count,omitempty"`
	DST      *DST   `json:"dst,omitempty"`
}

// Preview is a schedule in words and instants.
type Preview struct {
	Description string    `json:"description"`
	Next        []Instant `json:"next"`
	Warnings    []string  `json:"warnings"`
	DSTShifts   []Shift   `json:"dstShifts"`
}

// Preview explains a schedule. Nothing is stored.
func (c *Client) Preview(ctx context.Context, p PreviewRequest) (Preview, error) {
	var out Preview
	err := c.server.exchange(ctx, call{method: http.MethodPost, path: []string{"schedules", "preview"}}, p, &out)
	return out, err
}
