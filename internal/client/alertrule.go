package client

import (
	"context"
	"net/http"
	"net/url"
)

// Matcher selects jobs: those that all its parts select. One without parts selects every job.
type Matcher struct {
	Jobs      []string `json:"jobs,omitempty"` // ids
	Namespace string   `json:"namespace,omitempty"`
	Tag       string   `json:"tag,omitempty"`
	Host      string   `json:"host,omitempty"`
}

// Condition says when people are told of a job. Each kind has some of the fields: see docs/alerts.md.
type Condition struct {
	Kind        string `json:"kind"` // FAILURES, FAILED_OF_LAST, SUCCESS_RATE, DURATION, DRIFT, MISSED, SKIPPED, LOST, NOT_RUN, SERVER or UNDELIVERABLE
	Count       int    `json:"count,omitempty"`
	Of          int    `json:"of,omitempty"`
	Percent     int    `json:"percent,omitempty"`
	ThresholdMs int64  `json:"thresholdMs,omitempty"`
	WindowMs    int64  `json:"windowMs,omitempty"`
}

// NewAlertRule is what a rule is to be. A field that is zero has the server's default.
type NewAlertRule struct {
	Name     string     `json:"name,omitempty"`
	Match    Matcher    `json:"match,omitzero"`
	When     *Condition `json:"when,omitempty"`     // nil: the first failure
	Channels []string   `json:"channels,omitempty"` // none: those that are a default
	Level    string     `json:"level,omitempty"`    // INFO, WARNING or CRITICAL
	GroupBy  string     `json:"groupBy,omitempty"`  // HOST, NAMESPACE or JOB
	WaitMs   *int64     `json:"waitMs,omitempty"`
	UpdateMs *int64     `json:"updateMs,omitempty"`
	RepeatMs *int64     `json:"repeatMs,omitempty"`
	Recovery *bool      `json:"recovery,omitempty"`
	Disabled bool       `json:"disabled,omitempty"`
}

// AlertRule says of which alerts people are told, by which channels, and when.
type AlertRule struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	Namespace string    `json:"namespace"` // the only one that it is about; empty: all
	Match     Matcher   `json:"match"`
	When      Condition `json:"when"`
	Channels  []string  `json:"channels"`
	Level     string    `json:"level"`
	GroupBy   string    `json:"groupBy"`
	WaitMs    int64     `json:"waitMs"`
	UpdateMs  int64     `json:"updateMs"`
	RepeatMs  int64     `json:"repeatMs"`
	Recovery  bool      `json:"recovery"`
	Disabled  bool      `json:"disabled"`
	BuiltIn   bool      `json:"builtIn"` // it is there without being made
	CreatedAt *int64    `json:"createdAt"`
	UpdatedAt *int64    `json:"updatedAt"`
	Error     string    `json:"error"` // why the server cannot read it; empty: it can
}

// Alerting has the calls about rules, silences and maintenance windows.
type Alerting struct{ server *connection }

// AlertRules returns the rules, by their ids.
func (c *Alerting) AlertRules(ctx context.Context) ([]AlertRule, error) {
	var out struct {
		Rules []AlertRule `json:"rules"`
	}
	err := c.server.getJSON(ctx, &out, nil, "alerts", "rules")
	return out.Rules, err
}

// AlertRule returns a rule.
func (c *Alerting) AlertRule(ctx context.Context, id string) (AlertRule, error) {
	var out AlertRule
	err := c.server.getJSON(ctx, &out, nil, "alerts", "rules", id)
	return out, err
}

// PutAlertRule makes a rule, or replaces it.
func (c *Alerting) PutAlertRule(ctx context.Context, id string, rule NewAlertRule) (AlertRule, error) {
	var out AlertRule
	err := c.server.exchange(ctx, call{method: http.MethodPut, path: []string{"alerts", "rules", id}}, rule, &out)
	return out, err
}

// DeleteAlertRule deletes a rule.
func (c *Alerting) DeleteAlertRule(ctx context.Context, id string) error {
	return c.deleteAlert(ctx, "rules", id)
}

func (c *Alerting) deleteAlert(ctx context.Context, what, id string) error {
	var out struct{}
	return c.server.exchange(ctx, call{method: http.MethodDelete, path: []string{"alerts", what, id}}, nil, &out)
}

// NewSilence is a silence to make.
type NewSilence struct {
	Match      Matcher `json:"match,omitzero"`
	Reason     string  `json:"reason"`
	StartsAt   int64   `json:"startsAt,omitempty"` // zero: now
	EndsAt     int64   `json:"endsAt,omitempty"`   // or DurationMs
	DurationMs int64   `json:"durationMs,omitempty"`
}

// Silence is a time in which people are not told of some alerts.
type Silence struct {
	ID        string          `json:"id"`
	Namespace string          `json:"namespace"` // the only one that it is about; empty: all
	Match     Matcher         `json:"match"`
	Reason    string          `json:"reason"`
	By        OperationAuthor `json:"by"`
	StartsAt  int64           `json:"startsAt"`
	EndsAt    int64           `json:"endsAt"`
	Active    bool            `json:"active"` // it acts now
	CreatedAt int64           `json:"createdAt"`
	Error     string          `json:"error"` // why the server cannot read it; empty: it can
}

// QuietQuery selects silences or windows: those that all its parts select.
type QuietQuery struct {
	Active bool   // only those that act now
	JobID  string // only those that are about this job; empty: all
}

func (q QuietQuery) values() url.Values {
	v := url.Values{}
	if q.Active {
		v.Set("active", "true")
	}
	if q.JobID != "" {
		v.Set("jobId", q.JobID)
	}
	return v
}

// Silences returns silences, by their ids.
func (c *Alerting) Silences(ctx context.Context, q QuietQuery) ([]Silence, error) {
	var out struct {
		Silences []Silence `json:"silences"`
	}
	err := c.server.getJSON(ctx, &out, q.values(), "alerts", "silences")
	return out.Silences, err
}

// Silence returns a silence.
func (c *Alerting) Silence(ctx context.Context, id string) (Silence, error) {
	var out Silence
	err := c.server.getJSON(ctx, &out, nil, "alerts", "silences", id)
	return out, err
}

// CreateSilence makes a silence.
func (c *Alerting) CreateSilence(ctx context.Context, s NewSilence) (Silence, error) {
	var out Silence
	in := call{method: http.MethodPost, path: []string{"alerts", "silences"}, once: true}
	err := c.server.exchange(ctx, in, s, &out)
	return out, err
}

// PutSilence makes a silence under an id, or replaces it.
func (c *Alerting) PutSilence(ctx context.Context, id string, s NewSilence) (Silence, error) {
	var out Silence
	err := c.server.exchange(ctx, call{method: http.MethodPut, path: []string{"alerts", "silences", id}}, s, &out)
	return out, err
}

// DeleteSilence deletes a silence.
func (c *Alerting) DeleteSilence(ctx context.Context, id string) error {
	return c.deleteAlert(ctx, "silences", id)
}

// NewWindow is what a maintenance window is to be.
type NewWindow struct {
	Match      Matcher `json:"match,omitzero"`
	Reason     string  `json:"reason"`
	Schedule   string  `json:"schedule"`
	Timezone   string  `json:"timezone,omitempty"` // empty: UTC
	DurationMs int64   `json:"durationMs"`
	Disabled   bool    `json:"disabled,omitempty"`
}

// Window is a maintenance window: a silence that comes again.
type Window struct {
	ID          string          `json:"id"`
	Namespace   string          `json:"namespace"` // the only one that it is about; empty: all
	Match       Matcher         `json:"match"`
	Reason      string          `json:"reason"`
	By          OperationAuthor `json:"by"`
	Schedule    string          `json:"schedule"`
	Timezone    string          `json:"timezone"`
	DurationMs  int64           `json:"durationMs"`
	Disabled    bool            `json:"disabled"`
	ActiveUntil *int64          `json:"activeUntil"` // nil: it does not act now
	NextAt      *int64          `json:"nextAt"`      // nil: it does not begin again
	CreatedAt   int64           `json:"createdAt"`
	UpdatedAt   int64           `json:"updatedAt"`
	Error       string          `json:"error"` // why the server cannot read it; empty: it can
}

// Windows returns maintenance windows, by their ids.
func (c *Alerting) Windows(ctx context.Context, q QuietQuery) ([]Window, error) {
	var out struct {
		Windows []Window `json:"windows"`
	}
	err := c.server.getJSON(ctx, &out, q.values(), "alerts", "windows")
	return out.Windows, err
}

// Window returns a maintenance window.
func (c *Alerting) Window(ctx context.Context, id string) (Window, error) {
	var out Window
	err := c.server.getJSON(ctx, &out, nil, "alerts", "windows", id)
	return out, err
}

// PutWindow makes a maintenance window, or replaces it.
func (c *Alerting) PutWindow(ctx context.Context, id string, w NewWindow) (Window, error) {
	var out Window
	err := c.server.exchange(ctx, call{method: http.MethodPut, path: []string{"alerts", "windows", id}}, w, &out)
	return out, err
}

// DeleteWindow deletes a maintenance window.
func (c *Alerting) DeleteWindow(ctx context.Context, id string) error {
	return c.deleteAlert(ctx, "windows", id)
}
