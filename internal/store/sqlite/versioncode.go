package sqlite

import (
	"encoding/json"
	"maps"
	"reflect"
	"slices"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// encodeVersion makes the row of a version. It is called before the row is
// queued, so that the writer's goroutine does no encoding and shares no memory
// with the caller. Secrets are sealed.
func encodeVersion(v *domain.Version, box *seal.Box) (versionRow, error) {
	s := &v.Spec
	r := versionRow{
		jobID: v.JobID, number: v.Number, from: v.EffectiveFrom, createdAt: v.CreatedAt, active: v.Active,
		schedule: s.Schedule, timezone: s.Timezone, api: s.API, kind: string(s.Type), name: s.Name,
		key: text(s.Key), body: text(s.Body), namespace: s.Namespace,
	}
	var err error
	if len(s.Tags) > 0 {
		r.tags, err = encodeJSON(s.Tags)
	}
	if len(s.Headers) > 0 && err == nil {
		err = r.sealHeaders(s, box)
	}
	o := optionsOf(s)
	if len(s.Signing.Secrets) > 0 && err == nil {
		o.Signing, err = r.sealSigning(s.Signing.Secrets, box)
	}
	if o != (options{}) && err == nil {
		r.options, err = encodeJSON(o)
	}
	return r, err
}

// columnsVersion reads versionColumns as a version.
func columnsVersion(s *sqlite.Stmt, box *seal.Box) domain.Version {
	r := versionReader{box: box}
	var v domain.Version
	r.columns(s, &v)
	return v
}

// columnsCut reads cutColumns as a version.
func columnsCut(s *sqlite.Stmt, box *seal.Box) domain.Version {
	v := columnsVersion(s, box)
	if s.ColumnIsNull(12) {
		v.BodyCut = s.ColumnInt(16)
	}
	return v
}

// columns reads versionColumns into a version. Schedules and zones, which many
// jobs share, are kept once.
func (r *versionReader) columns(s *sqlite.Stmt, v *domain.Version) {
	row := r.row(s)
	*v = domain.Version{
		JobID: row.jobID, Number: row.number, EffectiveFrom: row.from, EffectiveTo: domain.Forever,
		CreatedAt: row.createdAt, Active: row.active, Spec: defaults,
	}
	if !s.ColumnIsNull(3) {
		v.EffectiveTo = s.ColumnInt64(3)
	}
	v.Spec.Schedule, v.Spec.Timezone = row.schedule, row.timezone
	v.Spec.API, v.Spec.Name, v.Spec.Key = row.api, row.name, string(row.key)
	v.Spec.Type = domain.Guarantee(row.kind)
	if r.parts == store.TimingOnly {
		_, v.Unread = row.decodeOptions(&v.Spec)
		return
	}
	v.Unread = row.decode(&v.Spec, r.box)
}

// decode reads the parts that are stored as JSON. What cannot be read is left
// out and named: one row must not spoil an answer that has a thousand. A secret
// whose key the server does not have is no exception: see checkKeys.
func (r *versionRow) decode(spec *domain.Spec, box *seal.Box) (unread []domain.Fault) {
	note := func(field string, cause error) {
		if cause != nil {
			unread = append(unread, domain.Fault{Field: field, Reason: cause.Error()})
		}
	}
	if r.body != "" {
		if json.Valid([]byte(r.body)) {
			spec.Body = json.RawMessage(r.body)
		} else {
			note("body", errNotJSON)
		}
	}
	if r.tags != "" {
		var tags []string
		fault := decodeJSON(r.tags, &tags)
		note("tags", fault)
		if fault == nil {
			spec.Tags = tags
		}
	}
	var fault error
	spec.Headers, fault = r.openHeaders(box)
	note("headers", fault)
	signing, faults := r.decodeOptions(spec)
	unread = append(unread, faults...)
	spec.Signing.Secrets, fault = r.openSigning(signing, box)
	note("signing", fault)
	return unread
}

// decodeOptions reads the options but for the secrets, which stay sealed. It
// names those that cannot be read.
func (r *versionRow) decodeOptions(spec *domain.Spec) (*storedSigning, []domain.Fault) {
	if r.options == "" {
		return nil, nil
	}
	var o options
	if err := decodeJSON(r.options, &o); err == nil {
		o.set(spec)
		return o.Signing, nil
	}
	return r.salvageOptions(spec)
}

// salvageOptions reads the options one by one.
func (r *versionRow) salvageOptions(spec *domain.Spec) (*storedSigning, []domain.Fault) {
	var fields map[string]json.RawMessage
	if err := decodeJSON(r.options, &fields); err != nil {
		return nil, []domain.Fault{{Field: "options", Reason: err.Error()}}
	}
	var unread []domain.Fault
	var signing *storedSigning
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var o options
		one, err := json.Marshal(map[string]json.RawMessage{name: fields[name]})
		if err == nil {
			err = json.Unmarshal(one, &o)
		}
		if err != nil {
			unread = append(unread, domain.Fault{Field: name, Reason: err.Error()})
			continue
		}
		o.set(spec)
		if o.Signing != nil {
			signing = o.Signing
		}
	}
	return signing, unread
}

// equal reports whether two rows say the same. Sealing a value twice gives two
// texts: those are compared by what is in them.
func (r *versionRow) equal(o *versionRow, box *seal.Box) bool {
	a, b := *r, *o
	a.headers, b.headers, a.options, b.options = "", "", "", ""
	a.namespace, b.namespace = "", "" // of the options
	if a != b {
		return false
	}
	if r.headers == o.headers && r.options == o.options {
		return true
	}
	mine, others := defaults, defaults
	faults := append(r.decode(&mine, box), o.decode(&others, box)...)
	return len(faults) == 0 && reflect.DeepEqual(mine, others)
}
