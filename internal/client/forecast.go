package client

import (
	"context"
	"net/url"
)

// ForecastRequest selects a forecast. Zero values: the next day by minute, of all jobs.
type ForecastRequest struct {
	Step      string // second, minute or hour
	From, To  string // Unix milliseconds or RFC 3339
	Namespace string
	Tag       string // exact
	Host      string // that the jobs call
}

// Forecast is how many fires are due when.
type Forecast struct {
	From        int64           `json:"from"`
	To          int64           `json:"to"`
	Step        string          `json:"step"`
	ComputedAt  int64           `json:"computedAt"`
	Jobs        int             `json:"jobs"` // that were counted
	Total       int64           `json:"total"`
	Points      []ForecastPoint `json:"points"`
	Peak        *ForecastPeak   `json:"peak,omitempty"` // nil: there are no fires
	ByHost      []ForecastShare `json:"byHost"`
	ByTag       []ForecastShare `json:"byTag"`
	ByNamespace []ForecastShare `json:"byNamespace"`
	Truncated   bool            `json:"truncated"` // not all could be counted
}

// ForecastPoint is how many fires are due in the step that begins at the instant.
type ForecastPoint struct {
	At    int64 `json:"at"`
	Count int64 `json:"count"`
}

// ForecastPeak is the step with the most fires, and jobs that make it.
type ForecastPeak struct {
	At    int64         `json:"at"`
	Count int64         `json:"count"`
	Jobs  []ForecastJob `json:"jobs"`
}

// ForecastJob is a job that fires in the peak.
type ForecastJob struct {
	JobID string `json:"jobId"`
	Name  string `json:"name,omitempty"`
	Count int64  `json:"count"`
}

// ForecastShare is how many of the fires are those of a host, a tag or a namespace.
type ForecastShare struct {
	Name  string `json:"name"`
	Count int64  `json:"count"`
}

// Forecast tells how many fires are due when.
func (c *Client) Forecast(ctx context.Context, r ForecastRequest) (Forecast, error) {
	q := url.Values{}
	for name, value := range map[string]string{"step": r.Step, "from": r.From, "to": r.To, "namespace": r.Namespace,
		"tag": r.Tag, "host": r.Host} {
		if value != "" {
			q.Set(name, value)
		}
	}
	var out Forecast
	err := c.server.getJSON(ctx, &out, q, "forecast")
	return out, err
}
