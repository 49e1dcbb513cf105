package client

import (
	"context"
)

// SeriesFilter selects the points of a series.
type SeriesFilter struct {
	Step  string // minute, hour or day; empty: minute
	JobID string // of this job; empty: of all jobs
	TimeRange
}

// Series is what executions add up to over time.
type Series struct {
	Step   string  `json:"step"`
	From   int64   `json:"from"` // from when on no point is missing
	To     int64   `json:"to"`
	Points []Point `json:"points"` // of steps in which anything was due, oldest first
}

// Point is what became of the fires that were scheduled in one step of time.
type Point struct {
	At         int64 `json:"at"`
	Executions struct {
		Success int64 `json:"success"`
		Failed  int64 `json:"failed"`
		Skipped int64 `json:"skipped"`
		Missed  int64 `json:"missed"`
		Unknown int64 `json:"unknown"`
	} `json:"executions"`
	Retries    int64         `json:"retries"`
	DriftMs    *Distribution `json:"driftMs"`    // nil: nothing was sent
	DurationMs *Distribution `json:"durationMs"` // of SUCCESS and FAILED
}

// Distribution has percentiles in milliseconds. They are at least as long as the exact ones, by less
// than a quarter; Max is exact.
type Distribution struct {
	P50 int64 `json:"p50"`
	P90 int64 `json:"p90"`
	P99 int64 `json:"p99"`
	Max int64 `json:"max"`
}

// Series reads what executions add up to over time.
func (c *Client) Series(ctx context.Context, f SeriesFilter) (Series, error) {
	q := f.query()
	for name, value := range map[string]string{"step": f.Step, "jobId": f.JobID} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var out Series
	err := c.server.getJSON(ctx, &out, q, "observability", "series")
	return out, err
}
