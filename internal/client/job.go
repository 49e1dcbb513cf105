package client

import (
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
)

// Spec is what a job is. Schedule, API and Type are required; every other
// field that is not set takes the server's default.
type Spec struct {
	Schedule  string            `json:"schedule,omitempty"`
	API       string            `json:"api,omitempty"`
	Type      string            `json:"type,omitempty"` // ATLEAST_ONCE or ATMOST_ONCE
	Name      string            `json:"name,omitempty"`
	Key       string            `json:"key,omitempty"`       // chosen by the client, of one job in its namespace
	Namespace string            `json:"namespace,omitempty"` // fixed at creation
	Tags      []string          `json:"tags,omitempty"`
	Timezone  string            `json:"timezone,omitempty"`
	Method    string            `json:"method,omitempty"`
	Headers   map[string]string `json:"headers,omitempty"`
	// names of headers that are secret beside those that are by name
	SecretHeaders []string        `json:"secretHeaders,omitempty"`
	Body          json.RawMessage `json:"body,omitempty"`
	TimeoutMs     int64           `json:"timeoutMs,omitempty"`
	Retry         *Retry          `json:"retry,omitempty"`
	Overlap       string          `json:"overlap,omitempty"` // ALLOW, SKIP or QUEUE
	Misfire       *Misfire        `json:"misfire,omitempty"`
	StartAt       int64           `json:"startAt,omitempty"`
	EndAt         int64           `json:"endAt,omitempty"`
	JitterMs      int64           `json:"jitterMs,omitempty"`
	DST           *DST            `json:"dst,omitempty"`
	TLSSkipVerify bool            `json:"tlsSkipVerify,omitempty"`
	Prepare       *bool           `json:"prepare,omitempty"` // nil: a connection is made ready before a fire is due
	Signing       *Signing        `json:"signing,omitempty"`

	ClientCertificate string `json:"clientCertificate,omitempty"` // a name in the server's config file
	IsActive          *bool  `json:"isActive,omitempty"`          // in a request only; nil: active
	PausedReason      string `json:"pausedReason,omitempty"`      // in a request only
	PausedUntil       int64  `json:"pausedUntil,omitempty"`       // in a request only
}

// Retry is a job's retry policy. A field that is nil or empty takes the
// server's default.
type Retry struct {
	MaxRetries *int   `json:"maxRetries,omitempty"`
	DelayMs    *int64 `json:"delayMs,omitempty"`
	Backoff    string `json:"backoff,omitempty"` // FIXED, LINEAR or EXPONENTIAL
	MaxDelayMs *int64 `json:"maxDelayMs,omitempty"`
}

// Misfire is a job's misfire policy. A field that is zero takes the server's
// default.
type Misfire struct {
	Policy   string `json:"policy,omitempty"` // RUN_ALL, RUN_LATEST or SKIP
	MaxAgeMs int64  `json:"maxAgeMs,omitempty"`
	MaxRuns  int    `json:"maxRuns,omitempty"`
}

// Signing has the options for signing a job's requests. Answers show [Mask] for each
// secret; in a change, masks keep the existing secrets, in order.
type Signing struct {
	Secrets []string `json:"secrets,omitempty"` // at most two, the newest first
}

// DST is a job's choice for times that a clock change skips or repeats.
type DST struct {
	Gap  string `json:"gap,omitempty"`  // AFTER, SKIP or BEFORE
	Fold string `json:"fold,omitempty"` // FIRST, SECOND or BOTH
}

// Change is any subset of a spec's fields, by their names in the API. The value nil
// restores the default.
type Change map[string]any

// Job is a job with its current version.
type Job struct {
	ID            string `json:"id"`
	Spec          Spec   `json:"spec"`
	CreatedAt     int64  `json:"createdAt"`
	UpdatedAt     int64  `json:"updatedAt"`
	IsActive      bool   `json:"isActive"`
	PausedReason  string `json:"pausedReason"`
	PausedUntil   int64  `json:"pausedUntil"` // when it is active again by itself; zero: once somebody resumes it
	Version       int    `json:"version"`
	EffectiveFrom int64  `json:"effectiveFrom"`
	NextFireAt    *int64 `json:"nextFireAt"` // nil: there is none

	// BodyCut: the list has left Spec.Body out, since it is long. Jobs.Get returns it.
	BodyCut   bool `json:"bodyCut"`
	BodyBytes int  `json:"bodyBytes"` // how many bytes a body has that was cut

	// LastExecution is of a list with JobFilter.LastExecution. Nil: none was found.
	LastExecution *Execution `json:"lastExecution"`

	// Error is the reason why the job cannot be run and does not fire; empty if it can.
	Error string `json:"error"`
}

// Edit is the server's answer to a change: the job as it is now, and what was done.
type Edit struct {
	Job // the zero value after a delete

	JobID       string `json:"jobId"`
	Message     string `json:"message"`
	EffectiveTo int64  `json:"effectiveTo"` // after a delete: from when on nothing is sent

	Warnings []string `json:"warnings"` // what is allowed but may not be meant
}

// Triggered is the server's answer to a manual trigger.
type Triggered struct {
	ExecutionID string `json:"executionId"`
	JobID       string `json:"jobId"`
	Message     string `json:"message"`
}

// Jobs has the calls about jobs.
type Jobs struct{ server *connection }

// Create creates a job. The job is durable when the call returns. A second call creates
// another job, unless both have the same key: see [WithIdempotencyKey].
func (j *Jobs) Create(ctx context.Context, spec Spec) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{method: http.MethodPost, path: []string{"jobs"}, once: true}, spec, &out)
	return out, err
}

// CreateJob creates a job whose fields are as the API has them, also such as [Spec] does not
// have.
func CreateJob(ctx context.Context, c *Client, fields Change) (Edit, error) {
	var out Edit
	err := c.server.exchange(ctx, call{method: http.MethodPost, path: []string{"jobs"}, once: true}, fields, &out)
	return out, err
}

// Update changes some fields of a job, all of them or none. If version is neither zero
// nor the job's current one, the problem has status 412.
func (j *Jobs) Update(ctx context.Context, id string, version int, change Change) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodPut, path: []string{"jobs", id}, header: ifMatch(version),
	}, change, &out)
	return out, err
}

// Patch changes a job by a merge patch (RFC 7396): nil removes or restores the default,
// maps are merged, headers and body too. version as in Update.
func (j *Jobs) Patch(ctx context.Context, id string, version int, patch Change) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodPatch, path: []string{"jobs", id}, header: ifMatch(version), contentType: typePatch,
	}, patch, &out)
	return out, err
}

// UpdateKeepingSecrets is Update for admins who let the job's secrets be sent to another
// origin although the change does not hold them.
func (j *Jobs) UpdateKeepingSecrets(ctx context.Context, id string, version int, change Change) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodPut, path: []string{"jobs", id}, header: ifMatch(version),
		query: url.Values{"keepSecrets": {"true"}},
	}, change, &out)
	return out, err
}

func ifMatch(version int) http.Header {
	if version == 0 {
		return nil
	}
	return http.Header{"If-Match": {`"` + strconv.Itoa(version) + `"`}}
}

// Get reads a job.
func (j *Jobs) Get(ctx context.Context, id string) (Job, error) {
	var out Job
	err := j.server.getJSON(ctx, &out, nil, "jobs", id)
	return out, err
}

// Mask is shown instead of a secret, of a header or of signing, in answers of the server.
// A change that contains the mask keeps the secret.
const Mask = "********"

// Delete deletes a job. A version other than zero must be its current one.
func (j *Jobs) Delete(ctx context.Context, id string, version int) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodDelete, path: []string{"jobs", id}, header: ifMatch(version),
	}, nil, &out)
	return out, err
}

// Pause stops a job from firing until somebody resumes it, also one that is paused until an instant.
func (j *Jobs) Pause(ctx context.Context, id string) (Edit, error) {
	return j.act(ctx, id, "pause")
}

// Pausing is what is said of a pause.
type Pausing struct {
	Reason string `json:"reason,omitempty"`
	Until  string `json:"until,omitempty"` // when the job fires again by itself, RFC 3339; empty: once somebody resumes it
}

// PauseBecause is Pause with a reason, or with an end.
func (j *Jobs) PauseBecause(ctx context.Context, id string, p Pausing) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{method: http.MethodPost, path: []string{"jobs", id, "pause"}}, p, &out)
	return out, err
}

// Resume lets a paused job fire again; the fires of the pause are not made
// up for.
func (j *Jobs) Resume(ctx context.Context, id string) (Edit, error) {
	return j.act(ctx, id, "resume")
}

func (j *Jobs) act(ctx context.Context, id, verb string) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{method: http.MethodPost, path: []string{"jobs", id, verb}}, nil, &out)
	return out, err
}

// Trigger runs a job now, in addition to its schedule. When the call returns, the
// execution is durable; [Executions.Get] returns its outcome.
func (j *Jobs) Trigger(ctx context.Context, id string) (Triggered, error) {
	var out Triggered
	err := j.server.exchange(ctx, call{
		method: http.MethodPost, path: []string{"jobs", id, "trigger"}, once: true,
	}, nil, &out)
	return out, err
}
