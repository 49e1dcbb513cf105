package rows

import (
	"encoding/json"
	"errors"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Text is a string that is stored as NULL when it is empty.
type Text string

// Version is a version as it is stored. Rows of the same content are equal.
type Version struct {
	JobID     domain.JobID
	Number    int
	From      int64
	CreatedAt int64 // of the job, in its own table
	Active    bool
	Schedule  string
	Timezone  string
	API       string
	Kind      string // ATLEAST_ONCE or ATMOST_ONCE
	Name      string
	Key       Text // NULL when there is none; of one job in its namespace
	Tags      Text // JSON; the four below are NULL when empty
	Headers   Text // JSON, secrets sealed: see storedText
	Body      Text // JSON
	Options   Text // JSON, secrets sealed

	Namespace string // of the spec, for what is written; it is stored among the options
}

// options are the fields of a spec that few jobs set. What equals the default
// is left out, so that most rows have none and are read without a JSON decoder.
type options struct {
	Method        *string               `json:"method,omitempty"`
	TimeoutMs     *int64                `json:"timeoutMs,omitempty"`
	Retry         *domain.Retry         `json:"retry,omitempty"`
	Overlap       *domain.OverlapPolicy `json:"overlap,omitempty"`
	Misfire       *domain.Misfire       `json:"misfire,omitempty"`
	StartAt       *int64                `json:"startAt,omitempty"`
	EndAt         *int64                `json:"endAt,omitempty"`
	JitterMs      *int64                `json:"jitterMs,omitempty"`
	DST           *domain.DST           `json:"dst,omitempty"`
	TLSSkipVerify *bool                 `json:"tlsSkipVerify,omitempty"`
	Prepare       *bool                 `json:"prepare,omitempty"`
	Namespace     *string               `json:"namespace,omitempty"` // also in the table job
	SecretNames   *[]string             `json:"secretHeaders,omitempty"`
	Signing       *storedSigning        `json:"signing,omitempty"` // sealed

	ClientCertificate *string `json:"clientCertificate,omitempty"`

	Pause *domain.Pause `json:"pause,omitempty"` // of the version; an index finds those with an end
}

// Defaults is what an absent option means. It is part of the schema: a new
// default in package domain must not change the jobs that are stored.
var Defaults = domain.Spec{
	Namespace: "default",
	Method:    "POST",
	TimeoutMs: 30_000,
	Retry:     domain.Retry{MaxRetries: 3, DelayMs: 1_000, Backoff: domain.BackoffLinear, MaxDelayMs: 3_600_000},
	Overlap:   domain.OverlapAllow,
	Misfire:   domain.Misfire{Policy: domain.MisfireRunAll, MaxAgeMs: 86_400_000, MaxRuns: 1_000},
	DST:       domain.DST{Gap: "AFTER", Fold: "FIRST"},
	Prepare:   true,
}

// differing returns a pointer to v when it is not the default.
func differing[T comparable](v, def T) *T {
	if v == def {
		return nil
	}
	kept := v // &v would put every v on the heap, also those that are the default
	return &kept
}

// optionsOf returns the options of a version without its signing secrets: see
// sealSigning.
func optionsOf(v *domain.Version) options {
	s := &v.Spec
	var secret *[]string
	if len(s.SecretNames) > 0 {
		secret = &s.SecretNames
	}
	return options{
		SecretNames:   secret,
		Method:        differing(s.Method, Defaults.Method),
		TimeoutMs:     differing(s.TimeoutMs, Defaults.TimeoutMs),
		Retry:         differing(s.Retry, Defaults.Retry),
		Overlap:       differing(s.Overlap, Defaults.Overlap),
		Misfire:       differing(s.Misfire, Defaults.Misfire),
		StartAt:       differing(s.StartAt, 0),
		EndAt:         differing(s.EndAt, 0),
		JitterMs:      differing(s.JitterMs, 0),
		DST:           differing(s.DST, Defaults.DST),
		TLSSkipVerify: differing(s.TLSSkipVerify, false),
		Prepare:       differing(s.Prepare, Defaults.Prepare),
		Namespace:     differing(s.Namespace, Defaults.Namespace),

		ClientCertificate: differing(s.ClientCertificate, ""),
		Pause:             differing(v.Pause, domain.Pause{}),
	}
}

func orDefault[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

func (o *options) set(v *domain.Version) {
	s := &v.Spec
	orDefault(&s.Method, o.Method)
	orDefault(&s.TimeoutMs, o.TimeoutMs)
	orDefault(&s.Retry, o.Retry)
	orDefault(&s.Overlap, o.Overlap)
	orDefault(&s.Misfire, o.Misfire)
	orDefault(&s.StartAt, o.StartAt)
	orDefault(&s.EndAt, o.EndAt)
	orDefault(&s.JitterMs, o.JitterMs)
	orDefault(&s.DST, o.DST)
	orDefault(&s.TLSSkipVerify, o.TLSSkipVerify)
	orDefault(&s.Prepare, o.Prepare)
	orDefault(&s.Namespace, o.Namespace)
	orDefault(&s.SecretNames, o.SecretNames)
	orDefault(&s.ClientCertificate, o.ClientCertificate)
	orDefault(&v.Pause, o.Pause)
}

// EncodeJSON makes a document of a value.
func EncodeJSON(v any) (Text, error) {
	doc, err := json.Marshal(v)
	return Text(doc), err
}

var errNotJSON = errors.New("it is not JSON")

func decodeJSON(doc Text, into any) error {
	return json.NewDecoder(strings.NewReader(string(doc))).Decode(into)
}

// DecodeTags returns the tags of a row, none where they cannot be read.
func DecodeTags(tags Text) (list []string) {
	if tags == "" || json.Unmarshal([]byte(tags), &list) != nil {
		return nil
	}
	return list
}

// NamespaceText returns the namespace as a table has it: the default is NULL.
func (r *Version) NamespaceText() Text {
	if r.Namespace == Defaults.Namespace {
		return ""
	}
	return Text(r.Namespace)
}
