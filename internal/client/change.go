package client

import (
	"context"
	"encoding/json"
	"iter"
	"net/url"
)

// AuditEntry is an entry of the audit trail: who changed what, and when. What an action does not
// have is zero.
type AuditEntry struct {
	At          int64       `json:"at"`
	By          AuditAuthor `json:"by"`
	Action      string      `json:"action"`                // CREATE, UPDATE, DELETE, TRIGGER and others
	JobID       string      `json:"jobId,omitempty"`       // the job that it is about
	Version     int         `json:"version,omitempty"`     // of the job after it; of a DELETE the last one
	ExecutionID string      `json:"executionId,omitempty"` // that a TRIGGER started
	Count       *int64      `json:"count,omitempty"`       // of an IMPORT, an EXPORT or a REVEAL
	Detail      string      `json:"detail,omitempty"`      // what was selected; of a REFUSE the method and the path
	Times       int64       `json:"times,omitempty"`       // requests that an EXPORT or a REFUSE stands for
	LastAt      int64       `json:"lastAt,omitempty"`      // when the last of these was
	RequestID   string      `json:"requestId,omitempty"`
	OperationID string      `json:"operationId,omitempty"` // on many jobs, that has made the change

	// The key of a KEY_CREATE or a KEY_REVOKE, and the job before and after a change: as the server
	// has answered them.
	Key    json.RawMessage `json:"key,omitempty"`
	Before json.RawMessage `json:"before,omitempty"`
	After  json.RawMessage `json:"after,omitempty"`
}

// AuditAuthor is who asked for a change.
type AuditAuthor struct {
	Key     string `json:"key"` // its id, or env, loopback or anonymous
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`
}

// TrailFilter selects entries of the audit trail. The zero value selects all.
type TrailFilter struct {
	TimeRange        // of the entries; the last instant is included
	JobID     string // changes of this job
	RequestID string // what this request asked for; not beside JobID
	Operation string // what this operation on many jobs has done; not beside the two above
	PageSize  int    // entries per request, 1 to 1,000; zero: the server's default
}

// Trail ranges over the audit trail, newest first. It takes the key of an admin.
func (c *Client) Trail(ctx context.Context, f TrailFilter) iter.Seq2[AuditEntry, error] {
	q := f.query()
	for name, value := range map[string]string{"jobId": f.JobID, "requestId": f.RequestID,
		"operationId": f.Operation} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return pages(ctx, f.PageSize, q, func(ctx context.Context, q url.Values) (page[AuditEntry], error) {
		var out struct {
			Changes    []AuditEntry `json:"changes"`
			NextCursor string       `json:"nextCursor"`
		}
		err := c.server.getJSON(ctx, &out, q, "audit", "changes")
		return page[AuditEntry]{out.Changes, out.NextCursor}, err
	})
}
