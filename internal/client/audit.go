package client

import (
	"context"
	"net/url"
)

// AuditRequest selects what is audited. Zero values: the last hour, all jobs.
type AuditRequest struct {
	From, To string // Unix milliseconds or RFC 3339
	JobID    string
}

// Audit is the result of comparing the record with the timeline of the jobs.
type Audit struct {
	From       int64      `json:"from"` // what was judged
	To         int64      `json:"to"`
	Expected   int64      `json:"expected"`
	Succeeded  int64      `json:"succeeded"`
	Failed     int64      `json:"failed"`
	Skipped    int64      `json:"skipped"`
	Missed     int64      `json:"missed"`
	Unknown    int64      `json:"unknown"`
	Pending    int64      `json:"pending"`
	Late       int64      `json:"late"`
	Unexpected int64      `json:"unexpected"` // records that no version names
	LostCount  int64      `json:"lostCount"`
	Lost       []LostFire `json:"lost"` // at most 1,000 of them
}

// LostFire is a fire that has no record.
type LostFire struct {
	JobID       string `json:"jobId"`
	ExecutionID string `json:"executionId"`
	ScheduledAt int64  `json:"scheduledAt"`
	Version     int    `json:"version"`
}

// Audit lets the server compute the fires of a window again and compare them
// with the record.
func (c *Client) Audit(ctx context.Context, r AuditRequest) (Audit, error) {
	q := url.Values{}
	for name, value := range map[string]string{"from": r.From, "to": r.To, "jobId": r.JobID} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var out Audit
	err := c.server.getJSON(ctx, &out, q, "audit")
	return out, err
}
