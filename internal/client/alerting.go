package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
)

// AlertGroup is alerts that have one cause, as far as is known, of which people are told together.
type AlertGroup struct {
	ID          string `json:"id"`
	Rule        string `json:"rule"`
	State       string `json:"state"`   // WAITING, OPEN, ACKNOWLEDGED, FLAPPING, RECOVERED or CLOSED
	Level       string `json:"level"`   // INFO, WARNING or CRITICAL
	GroupBy     string `json:"groupBy"` // HOST, NAMESPACE or JOB
	Key         string `json:"key"`     // the host, namespace or job
	Jobs        int    `json:"jobs"`    // that fail now
	AllJobs     int    `json:"allJobs"` // that have failed since it began
	Failures    int64  `json:"failures"`
	FirstAt     int64  `json:"firstAt"`
	LastAt      int64  `json:"lastAt"`
	RecoveredAt *int64 `json:"recoveredAt"` // nil: an alert of it is open
	ToldAt      *int64 `json:"toldAt"`      // nil: people were not told yet

	When         string           `json:"when"`         // the condition that holds for its jobs: FAILURES and others
	Silenced     *Quiet           `json:"silenced"`     // nil: people are told of it
	Acknowledged *Acknowledgement `json:"acknowledged"` // nil: nobody looks after it
	Samples      []AlertSample    `json:"samples"`      // the jobs that failed first
}

// Quiet says by what people are not told of a group, and until when.
type Quiet struct {
	Kind   string          `json:"kind"` // SILENCE or WINDOW
	ID     string          `json:"id"`
	Reason string          `json:"reason"`
	By     OperationAuthor `json:"by"`
	Until  int64           `json:"until"`
}

// Acknowledgement is who looks after a group.
type Acknowledgement struct {
	At int64           `json:"at"`
	By OperationAuthor `json:"by"`
}

// AlertSample is a job of a group.
type AlertSample struct {
	JobID       string  `json:"jobId"`
	Name        string  `json:"name"`
	Namespace   string  `json:"namespace"`
	Target      string  `json:"target"`
	ExecutionID string  `json:"executionId"`
	HTTPStatus  *int    `json:"httpStatus"`
	Error       *string `json:"error"`
	Count       int64   `json:"count"`
	LastAt      int64   `json:"lastAt"`
}

// Notification is a message about a group to one channel.
type Notification struct {
	ID        string  `json:"id"`
	Channel   string  `json:"channel"`
	GroupID   string  `json:"groupId"`
	Type      string  `json:"type"`
	State     string  `json:"state"` // PENDING, DELIVERED, UNDELIVERABLE or SUPERSEDED
	Title     string  `json:"title"`
	CreatedAt int64   `json:"createdAt"`
	Attempts  int     `json:"attempts"`
	LastAt    *int64  `json:"lastAt"`
	Error     *string `json:"error"` // of the last attempt
	NextAt    *int64  `json:"nextAt"`
	EndedAt   *int64  `json:"endedAt"`
}

// AlertGroups ranges over groups of alerts, newest first. If openOnly is true, it ranges only over those that are
// not closed.
func (c *Client) AlertGroups(ctx context.Context, openOnly bool, pageSize int) iter.Seq2[AlertGroup, error] {
	q := url.Values{}
	if openOnly {
		q.Set("open", "true")
	}
	return pages(ctx, pageSize, q, func(ctx context.Context, q url.Values) (page[AlertGroup], error) {
		var out struct {
			Groups     []AlertGroup `json:"groups"`
			NextCursor string       `json:"nextCursor"`
		}
		err := c.server.getJSON(ctx, &out, q, "alerts", "groups")
		return page[AlertGroup]{out.Groups, out.NextCursor}, err
	})
}

// AlertGroup returns a group.
func (c *Client) AlertGroup(ctx context.Context, id string) (AlertGroup, error) {
	var out AlertGroup
	err := c.server.getJSON(ctx, &out, nil, "alerts", "groups", id)
	return out, err
}

// AcknowledgeAlertGroup says that the caller looks after a group.
func (c *Client) AcknowledgeAlertGroup(ctx context.Context, id string) (AlertGroup, error) {
	var out AlertGroup
	err := c.server.exchange(ctx, call{method: http.MethodPost, path: []string{"alerts", "groups", id, "acknowledge"}},
		nil, &out)
	return out, err
}

// Notifications ranges over messages about alerts, newest first; with a channel, only over those to it.
func (c *Client) Notifications(ctx context.Context, channel string, pageSize int) iter.Seq2[Notification, error] {
	q := url.Values{}
	if channel != "" {
		q.Set("channel", channel)
	}
	return pages(ctx, pageSize, q, func(ctx context.Context, q url.Values) (page[Notification], error) {
		var out struct {
			Notifications []Notification `json:"notifications"`
			NextCursor    string         `json:"nextCursor"`
		}
		err := c.server.getJSON(ctx, &out, q, "notifications")
		return page[Notification]{out.Notifications, out.NextCursor}, err
	})
}

// ResendNotification sends a message again, whatever has become of it.
func (c *Client) ResendNotification(ctx context.Context, id string) (Notification, error) {
	var out Notification
	err := c.server.exchange(ctx, call{method: http.MethodPost, path: []string{"notifications", id, "resend"}}, nil,
		&out)
	return out, err
}
