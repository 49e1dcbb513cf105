package wire

import (
	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// JobSpec describes the document of a job that [Merge] accepts, with the tags of a JSON schema. Tests compare it with
// [specFields] and with the limits of domain.
type JobSpec struct {
	Schedule          string            `json:"schedule" maxLength:"256" doc:"When: second minute hour day-of-month month day-of-week, or five fields (second = 0), or a macro (@hourly, @every 1h30m, @at 2026-01-01T09:00:00Z)." example:"0 */5 * * * *"`
	API               string            `json:"api" format:"uri" maxLength:"2048" doc:"Where: the http or https URL to call. A host name of another script is kept in its xn-- form." example:"https://example.com/hook"`
	Type              domain.Guarantee  `json:"type" enum:"ATLEAST_ONCE,ATMOST_ONCE" doc:"How surely. ATLEAST_ONCE: never lost; a crash may send a fire again, with the same Idempotency-Key. ATMOST_ONCE: never sent twice; a crash may leave the outcome UNKNOWN." example:"ATLEAST_ONCE"`
	IsActive          *bool             `json:"isActive,omitempty" nullable:"true" default:"true" doc:"Whether the job fires. false: it is made paused."`
	PausedReason      string            `json:"pausedReason,omitempty" maxLength:"200" pattern:"^\\s*[^\\x00-\\x1f\\x7f]*\\s*$" doc:"Why the job is paused. Gone once it is active." example:"The target is being moved"`
	PausedUntil       Instant           `json:"pausedUntil,omitempty" doc:"When the job is active again by itself: Unix milliseconds or RFC 3339, from 2001 to 2199, later than now; 0: once somebody resumes it. Gone once it is active. In an import and with PUT it may be past: then the job is active."`
	Name              string            `json:"name,omitempty" maxLength:"200" pattern:"^\\s*[^\\x00-\\x1f\\x7f]*\\s*$" doc:"A name for people, in printable text." example:"Sync invoices"`
	Key               string            `json:"key,omitempty" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]*$" doc:"A key that the client chooses: no other job of the namespace has it, until the job is deleted. PUT /jobs/by-key/{key} makes the job or changes it." example:"invoices-nightly"`
	Namespace         string            `json:"namespace,omitempty" maxLength:"63" pattern:"^[a-z0-9-]+$" default:"default" doc:"Where it belongs: a key that is confined to a namespace sees the jobs of that one alone. It cannot be changed later." example:"billing"`
	Tags              []string          `json:"tags,omitempty" nullable:"false" maxItems:"32" uniqueItems:"true" doc:"Words to find jobs by: 1 to 64 characters each, none twice." example:"billing,nightly"`
	Timezone          string            `json:"timezone,omitempty" maxLength:"64" default:"UTC" doc:"The IANA zone in which the schedule is read." example:"Europe/Berlin"`
	Method            string            `json:"method,omitempty" enum:"GET,HEAD,POST,PUT,PATCH,DELETE" default:"POST" doc:"The HTTP method of the call."`
	Headers           map[string]string `json:"headers,omitempty" maxProperties:"64" doc:"Headers of the call, 32 KiB in all. Those of the connection, Host, Idempotency-Key, Belfry-*, Webhook-* and Proxy-* are refused, also with _ for -. Values of Authorization, Cookie, *-Key, *-Token and *-Secret are kept sealed and shown as ********; an edit that sends that back keeps the value."`
	SecretHeaders     []string          `json:"secretHeaders,omitempty" nullable:"false" maxItems:"64" doc:"Names of further headers whose values are secret." example:"X-Signature"`
	Body              any               `json:"body,omitempty" doc:"The body of the call: any JSON value, at most 256 KiB. A string is sent as its text. Without one the identity of the fire is sent: {jobId, executionId, scheduledAt, attempt}. Must be absent for GET and HEAD." example:"{\"full\":true}"`
	TimeoutMs         int64             `json:"timeoutMs,omitempty" minimum:"1" maximum:"3600000" default:"30000" doc:"How long one attempt may take, connecting included, in milliseconds."`
	Retry             *RetrySpec        `json:"retry,omitempty" doc:"What follows a failure that may pass: a network error, a timeout, 408, 425, 429 or 5xx."`
	Overlap           string            `json:"overlap,omitempty" enum:"ALLOW,SKIP,QUEUE" default:"ALLOW" doc:"What becomes of a fire that comes due while the previous execution still runs. ALLOW: sent beside it. SKIP: recorded as SKIPPED. QUEUE: sent when it has ended."`
	Misfire           *MisfireSpec      `json:"misfire,omitempty" doc:"What becomes of fires whose time passed while nobody could send them."`
	StartAt           Instant           `json:"startAt,omitempty" doc:"No fire before this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: at once."`
	EndAt             Instant           `json:"endAt,omitempty" doc:"No fire at or after this instant: Unix milliseconds or RFC 3339, from 2001 to 2199; 0: for ever."`
	JitterMs          int64             `json:"jitterMs,omitempty" minimum:"0" maximum:"86400000" default:"0" doc:"Spreads jobs of one schedule: each has its own fixed delay, from 0 to this many milliseconds, by its id."`
	DST               *DstSpec          `json:"dst,omitempty" doc:"What becomes of fixed times when clocks change."`
	Signing           *SigningSpec      `json:"signing,omitempty" doc:"How calls are signed (Standard Webhooks): webhook-id, webhook-timestamp, webhook-signature. Without secrets of its own a job uses the server's, if there are any."`
	ClientCertificate string            `json:"clientCertificate,omitempty" maxLength:"64" doc:"The client certificate to show to the target, by its name in the server's config file (mutual TLS). For https URLs only." example:"bank"`
	Prepare           *bool             `json:"prepare,omitempty" nullable:"true" default:"true" doc:"Whether the target's name is looked up and a connection is opened, TLS included, half a second before a fire is due. false: not before it is due, for targets that count connections."`
	TLSSkipVerify     bool              `json:"tlsSkipVerify,omitempty" default:"false" doc:"Accept any TLS certificate of the target. For tests only."`
}

// RetrySpec describes the member retry.
type RetrySpec struct {
	MaxRetries int64  `json:"maxRetries,omitempty" minimum:"0" maximum:"100" default:"3" doc:"Attempts after the first."`
	DelayMs    int64  `json:"delayMs,omitempty" minimum:"0" maximum:"604800000" default:"1000" doc:"The delay that backoff starts from, in milliseconds."`
	Backoff    string `json:"backoff,omitempty" enum:"FIXED,LINEAR,EXPONENTIAL" default:"LINEAR" doc:"How the delay before retry n grows. FIXED: delay. LINEAR: delay * n. EXPONENTIAL: delay * 2^(n-1)."`
	MaxDelayMs int64  `json:"maxDelayMs,omitempty" minimum:"0" maximum:"604800000" default:"3600000" doc:"No delay is longer, in milliseconds; that of a Retry-After neither."`
}

// MisfireSpec describes the member misfire.
type MisfireSpec struct {
	Policy   string `json:"policy,omitempty" enum:"RUN_ALL,RUN_LATEST,SKIP" default:"RUN_ALL" doc:"RUN_ALL: all are sent late, oldest first. RUN_LATEST: the latest is, the rest is recorded as MISSED. SKIP: all are recorded as MISSED."`
	MaxAgeMs int64  `json:"maxAgeMs,omitempty" minimum:"1" maximum:"2592000000" default:"86400000" doc:"Older fires are not sent any more, in milliseconds."`
	MaxRuns  int64  `json:"maxRuns,omitempty" minimum:"1" maximum:"1000000" default:"1000" doc:"RUN_ALL sends at most this many of one gap, the latest ones. About as many wait for a target that is too slow; older ones are MISSED."`
}

// SigningSpec describes the member signing.
type SigningSpec struct {
	Secrets []string `json:"secrets,omitempty" nullable:"false" maxItems:"2" doc:"One secret, or the new and the old one while targets change over: whsec_ and the base64 of 24 to 64 bytes. Kept sealed and shown as ********; in a change that stands for the secrets that are there, in their order." example:"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"`
}

// DstSpec describes the member dst.
type DstSpec struct {
	Gap  string `json:"gap,omitempty" enum:"AFTER,SKIP,BEFORE" default:"AFTER" doc:"A time that the clock skips: right after the gap, not at all, or right before it."`
	Fold string `json:"fold,omitempty" enum:"FIRST,SECOND,BOTH" default:"FIRST" doc:"A time that comes twice: at its first occurrence, at its second, or at both."`
}

// Instant is an instant in the body of a request: Unix milliseconds or RFC 3339; zero: none.
type Instant int64

// specFields gives [Merge] access to each field.
var specFields = map[string]specField{
	"schedule":      trimmed(func(d *domain.SpecDoc) *string { return &d.Schedule }),
	"api":           targetField(),
	"type":          field(func(d *domain.SpecDoc) *domain.Guarantee { return &d.Type }),
	"name":          trimmed(func(d *domain.SpecDoc) *string { return &d.Name }),
	"key":           keyField(),
	"namespace":     field(func(d *domain.SpecDoc) *string { return &d.Namespace }),
	"tags":          tagsField(),
	"timezone":      trimmed(func(d *domain.SpecDoc) *string { return &d.Timezone }),
	"method":        field(func(d *domain.SpecDoc) *string { return &d.Method }),
	"headers":       headersField(),
	"secretHeaders": field(func(d *domain.SpecDoc) *[]string { return &d.SecretNames }),
	"body":          bodyField(),
	"timeoutMs":     field(func(d *domain.SpecDoc) *int64 { return &d.TimeoutMs }),
	"retry": nested(func(d *domain.SpecDoc) *domain.Retry { return &d.Retry }, map[string]specField{
		"maxRetries": field(func(d *domain.SpecDoc) *int { return &d.Retry.MaxRetries }),
		"delayMs":    field(func(d *domain.SpecDoc) *int64 { return &d.Retry.DelayMs }),
		"backoff":    field(func(d *domain.SpecDoc) *domain.Backoff { return &d.Retry.Backoff }),
		"maxDelayMs": field(func(d *domain.SpecDoc) *int64 { return &d.Retry.MaxDelayMs }),
	}),
	"overlap": field(func(d *domain.SpecDoc) *domain.OverlapPolicy { return &d.Overlap }),
	"misfire": nested(func(d *domain.SpecDoc) *domain.Misfire { return &d.Misfire }, map[string]specField{
		"policy":   field(func(d *domain.SpecDoc) *domain.MisfirePolicy { return &d.Misfire.Policy }),
		"maxAgeMs": field(func(d *domain.SpecDoc) *int64 { return &d.Misfire.MaxAgeMs }),
		"maxRuns":  field(func(d *domain.SpecDoc) *int { return &d.Misfire.MaxRuns }),
	}),
	"startAt":  instantField(func(d *domain.SpecDoc) *int64 { return &d.StartAt }),
	"endAt":    instantField(func(d *domain.SpecDoc) *int64 { return &d.EndAt }),
	"jitterMs": field(func(d *domain.SpecDoc) *int64 { return &d.JitterMs }),
	"dst": nested(func(d *domain.SpecDoc) *domain.DST { return &d.DST }, map[string]specField{
		"gap":  word(func(d *domain.SpecDoc) *cron.Gap { return &d.DST.Gap }, "AFTER, SKIP or BEFORE"),
		"fold": word(func(d *domain.SpecDoc) *cron.Fold { return &d.DST.Fold }, "FIRST, SECOND or BOTH"),
	}),
	"prepare":       field(func(d *domain.SpecDoc) *bool { return &d.Prepare }),
	"tlsSkipVerify": field(func(d *domain.SpecDoc) *bool { return &d.TLSSkipVerify }),
	"signing": nested(func(d *domain.SpecDoc) *domain.Signing { return &d.Signing }, map[string]specField{
		"secrets": secretsField(),
	}),
	"clientCertificate": trimmed(func(d *domain.SpecDoc) *string { return &d.ClientCertificate }),
	"isActive":          field(func(d *domain.SpecDoc) *bool { return &d.IsActive }),
	"pausedReason":      trimmed(func(d *domain.SpecDoc) *string { return &d.Pause.Reason }),
	"pausedUntil":       instantField(func(d *domain.SpecDoc) *int64 { return &d.Pause.Until }),
}
