package sqlite

import (
	"encoding/json"
	"errors"
	"strings"
	"unique"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// versionRow is a version as it is stored. Rows of the same content are equal.
type versionRow struct {
	jobID     domain.JobID
	number    int
	from      int64
	createdAt int64 // of the job, in its own table
	active    bool
	schedule  string
	timezone  string
	api       string
	kind      string // ATLEAST_ONCE or ATMOST_ONCE
	name      string
	key       text // NULL when there is none; of one job in its namespace
	tags      text // JSON; the four below are NULL when empty
	headers   text // JSON, secrets sealed: see storedText
	body      text // JSON
	options   text // JSON, secrets sealed

	namespace string // of the spec, for what is written; it is stored among the options
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
}

// defaults is what an absent option means. It is part of the schema: a new
// default in package domain must not change the jobs that are stored.
var defaults = domain.Spec{
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

// optionsOf returns the options of a spec without its signing secrets: see
// sealSigning.
func optionsOf(s *domain.Spec) options {
	var secret *[]string
	if len(s.SecretNames) > 0 {
		secret = &s.SecretNames
	}
	return options{
		SecretNames:   secret,
		Method:        differing(s.Method, defaults.Method),
		TimeoutMs:     differing(s.TimeoutMs, defaults.TimeoutMs),
		Retry:         differing(s.Retry, defaults.Retry),
		Overlap:       differing(s.Overlap, defaults.Overlap),
		Misfire:       differing(s.Misfire, defaults.Misfire),
		StartAt:       differing(s.StartAt, 0),
		EndAt:         differing(s.EndAt, 0),
		JitterMs:      differing(s.JitterMs, 0),
		DST:           differing(s.DST, defaults.DST),
		TLSSkipVerify: differing(s.TLSSkipVerify, false),
		Prepare:       differing(s.Prepare, defaults.Prepare),
		Namespace:     differing(s.Namespace, defaults.Namespace),

		ClientCertificate: differing(s.ClientCertificate, ""),
	}
}

func orDefault[T any](to *T, v *T) {
	if v != nil {
		*to = *v
	}
}

func (o *options) set(s *domain.Spec) {
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
}

func encodeJSON(v any) (text, error) {
	doc, err := json.Marshal(v)
	return text(doc), err
}

const insertVersion = `
INSERT INTO version (job_id, number, effective_from, is_active, schedule, timezone, api, type, name, tags, headers,
                     body, options, key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// insert inserts the row. It reports false when the job has a version of this
// number.
func (r *versionRow) insert(c *conn) error {
	s, err := c.prepare(insertVersion)
	if err != nil {
		return err
	}
	s.BindBytes(1, r.jobID[:])
	s.BindInt64(2, int64(r.number))
	s.BindInt64(3, r.from)
	s.BindBool(4, r.active)
	s.BindText(5, r.schedule)
	s.BindText(6, r.timezone)
	s.BindText(7, r.api)
	s.BindText(8, r.kind)
	s.BindText(9, r.name)
	bindText(s, 10, string(r.tags))
	bindText(s, 11, string(r.headers))
	bindText(s, 12, string(r.body))
	bindText(s, 13, string(r.options))
	bindText(s, 14, string(r.key))
	_, err = s.Step()
	return err
}

// versionColumns are those of a row of version v and its job j.
const versionColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.is_active, v.schedule, v.timezone,
       v.api, v.type, v.name, v.tags, v.headers, v.body, v.options, j.created_at, v.key`

// cutColumns are versionColumns without a body of more bytes than parameter 7, and how many
// bytes it has. SQLite finds out the length without reading the body.
const cutColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.is_active, v.schedule, v.timezone,
       v.api, v.type, v.name, v.tags, v.headers, iif(octet_length(v.body) > ?7, NULL, v.body), v.options, j.created_at,
       v.key, octet_length(v.body)`

// columnsRow reads versionColumns as they are stored.
func columnsRow(s *sqlite.Stmt) versionRow {
	var r versionReader
	return r.row(s)
}

// versionReader reads versions, many by one reader: what they share it makes a
// string of once.
type versionReader struct {
	box    *seal.Box
	parts  store.Parts
	shared map[string]string // schedules, zones and types
}

// sharedMost bounds what one reader remembers: few values are common, if any.
const sharedMost = 1_000

// text returns a column of which many rows have the same.
func (r *versionReader) text(s *sqlite.Stmt, column int) string {
	var buf [64]byte
	n := s.ColumnLen(column)
	if n > len(buf) {
		return s.ColumnText(column)
	}
	key := buf[:s.ColumnBytes(column, buf[:])]
	if known, ok := r.shared[string(key)]; ok {
		return known
	}
	value := unique.Make(string(key)).Value()
	if r.shared == nil || len(r.shared) >= sharedMost {
		r.shared = make(map[string]string)
	}
	r.shared[value] = value
	return value
}

func (r *versionReader) row(s *sqlite.Stmt) versionRow {
	return versionRow{
		jobID: columnJobID(s, 0), number: s.ColumnInt(1), from: s.ColumnInt64(2), active: s.ColumnBool(4),
		schedule: r.text(s, 5), timezone: r.text(s, 6), api: s.ColumnText(7), kind: r.text(s, 8),
		name: s.ColumnText(9), tags: text(s.ColumnText(10)), headers: text(s.ColumnText(11)),
		body: text(s.ColumnText(12)), options: text(s.ColumnText(13)), createdAt: s.ColumnInt64(14),
		key: text(s.ColumnText(15)),
	}
}

var errNotJSON = errors.New("it is not JSON")

func decodeJSON(doc text, into any) error {
	return json.NewDecoder(strings.NewReader(string(doc))).Decode(into)
}
