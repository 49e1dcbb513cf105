package client

import (
	"context"
	"iter"
	"net/http"
	"net/url"
	"strconv"
)

// Version is what a job was, or is, from an instant on.
type Version struct {
	Version       int    `json:"version"` // counted from 1
	EffectiveFrom int64  `json:"effectiveFrom"`
	EffectiveTo   *int64 `json:"effectiveTo"` // nil: it is the current one
	IsActive      bool   `json:"isActive"`
	PausedReason  string `json:"pausedReason"`
	PausedUntil   int64  `json:"pausedUntil"` // zero: it had no end
	Spec          Spec   `json:"spec"`

	// BodyCut: Spec.Body was left out, since it is long.
	BodyCut   bool `json:"bodyCut,omitempty"`
	BodyBytes int  `json:"bodyBytes,omitempty"`

	// Error is the reason why the version cannot be run; empty if it can.
	Error string `json:"error,omitempty"`

	// Changed are the fields in which it differs from the version before it. Nil: that is not kept,
	// or there is none.
	Changed []string `json:"changed,omitempty"`

	// By is for admins: who made it. Nil: not known.
	By *VersionAuthor `json:"by,omitempty"`
}

// VersionAuthor is who made a version.
type VersionAuthor struct {
	Key     string `json:"key"` // its id, or env, loopback or anonymous
	Name    string `json:"name,omitempty"`
	Address string `json:"address,omitempty"`

	RequestID   string `json:"requestId,omitempty"`
	OperationID string `json:"operationId,omitempty"`
}

// Versions has the calls about the versions of jobs.
type Versions struct{ server *connection }

// List ranges over the kept versions of a job, newest first, of a deleted one too. The page size
// is 1 to 1,000; zero takes the server's default.
func (v *Versions) List(ctx context.Context, id string, pageSize int) iter.Seq2[Version, error] {
	return v.list(ctx, pageSize, nil, "jobs", id, "versions")
}

// ListByKey is [Versions.List] of the job with the key.
func (v *Versions) ListByKey(ctx context.Context, k JobKey, pageSize int) iter.Seq2[Version, error] {
	return v.list(ctx, pageSize, k.query(), k.path("versions")...)
}

func (v *Versions) list(ctx context.Context, pageSize int, q url.Values, path ...string) iter.Seq2[Version, error] {
	return pages(ctx, pageSize, q, func(ctx context.Context, q url.Values) (page[Version], error) {
		var out struct {
			Versions   []Version `json:"versions"`
			NextCursor string    `json:"nextCursor"`
		}
		err := v.server.getJSON(ctx, &out, q, path...)
		return page[Version]{out.Versions, out.NextCursor}, err
	})
}

// Restore makes a job what it was in a version: each field, isActive and the secrets included. If
// current is neither zero nor the job's current version, the problem has status 412. keepSecrets is for
// admins: the secrets may be sent to the version's origin, although that is another one than the present.
func (v *Versions) Restore(ctx context.Context, id string, version, current int, keepSecrets bool) (Edit, error) {
	var out Edit
	c := call{
		method: http.MethodPost, path: []string{"jobs", id, "versions", strconv.Itoa(version), "restore"},
		header: ifMatch(current),
	}
	if keepSecrets {
		c.query = url.Values{"keepSecrets": {"true"}}
	}
	err := v.server.exchange(ctx, c, nil, &out)
	return out, err
}

// ChangePreview is what a change of a job would do.
type ChangePreview struct {
	Version  int      `json:"version"` // the current one, which the change was laid over
	IsActive bool     `json:"isActive"`
	Spec     Spec     `json:"spec"`    // that there would be
	Changes  []string `json:"changes"` // the names of fields

	Description string       `json:"description"` // of the schedule
	Next        []Instant    `json:"next"`
	Fires       ChangedFires `json:"fires"`
	Warnings    []string     `json:"warnings"`
	DSTShifts   []Shift      `json:"dstShifts"`
}

// ChangedFires are the fires that a change would make or end, of those after From and before To.
type ChangedFires struct {
	From        int64     `json:"from"`
	To          int64     `json:"to"`
	Truncated   bool      `json:"truncated"` // there are too many to compare those of 30 days
	GainedCount int64     `json:"gainedCount"`
	LostCount   int64     `json:"lostCount"`
	Gained      []Instant `json:"gained"` // the first ones
	Lost        []Instant `json:"lost"`
}

// Preview tells what a change would do, as [Jobs.Patch] takes it. Nothing is stored.
func (v *Versions) Preview(ctx context.Context, id string, patch Change) (ChangePreview, error) {
	var out ChangePreview
	err := v.server.exchange(ctx, call{
		method: http.MethodPost, path: []string{"jobs", id, "preview"}, contentType: typePatch,
	}, patch, &out)
	return out, err
}

// PreviewRestore tells what restoring a version would do.
func (v *Versions) PreviewRestore(ctx context.Context, id string, version int) (ChangePreview, error) {
	return v.Preview(ctx, id, Change{"version": version})
}
