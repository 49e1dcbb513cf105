package rows

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// EncodeNew makes the rows of new jobs, whose versions must be number 1 and open. step is called
// before each with its place: an import lets fires pass.
func EncodeNew(versions []domain.Version, box *seal.Box, step func(i int)) ([]Version, error) {
	made := make([]Version, len(versions))
	for i := range versions {
		step(i)
		v := &versions[i]
		if v.Number != 1 || v.EffectiveTo != domain.Forever {
			return nil, fmt.Errorf("create job %s: want an open version 1, not number %d", v.JobID, v.Number)
		}
		var err error
		if made[i], err = Encode(v, box); err != nil {
			return nil, fmt.Errorf("create job %s: %w", v.JobID, err)
		}
	}
	return made, nil
}

// Encode makes the row of a version, which shares no memory with it. Secrets are sealed.
func Encode(v *domain.Version, box *seal.Box) (Version, error) {
	s := &v.Spec
	r := Version{
		JobID: v.JobID, Number: v.Number, From: v.EffectiveFrom, CreatedAt: v.CreatedAt, Active: v.Active,
		Schedule: s.Schedule, Timezone: s.Timezone, API: s.API, Kind: string(s.Type), Name: s.Name,
		Key: Text(s.Key), Body: Text(s.Body), Namespace: s.Namespace,
	}
	var err error
	if len(s.Tags) > 0 {
		r.Tags, err = EncodeJSON(s.Tags)
	}
	if len(s.Headers) > 0 && err == nil {
		err = r.sealHeaders(s, box)
	}
	o := optionsOf(v)
	if len(s.Signing.Secrets) > 0 && err == nil {
		o.Signing, err = r.sealSigning(s.Signing.Secrets, box)
	}
	if o != (options{}) && err == nil {
		r.Options, err = EncodeJSON(o)
	}
	return r, err
}

// Decode makes a version of the row, in effect until an instant. With TimingOnly it leaves
// out what no timing needs.
func (r *Version) Decode(v *domain.Version, to int64, parts store.Parts, box *seal.Box) {
	*v = domain.Version{
		JobID: r.JobID, Number: r.Number, EffectiveFrom: r.From, EffectiveTo: to,
		CreatedAt: r.CreatedAt, Active: r.Active, Spec: Defaults,
	}
	v.Spec.Schedule, v.Spec.Timezone = r.Schedule, r.Timezone
	v.Spec.API, v.Spec.Name, v.Spec.Key = r.API, r.Name, string(r.Key)
	v.Spec.Type = domain.Guarantee(r.Kind)
	if parts == store.TimingOnly {
		_, v.Unread = r.decodeOptions(v)
		return
	}
	v.Unread = r.decode(v, box)
}

// decode reads the parts that are stored as JSON. What cannot be read is left
// out and named: one row must not spoil an answer that has a thousand. A secret
// whose key the server does not have is no exception: see checkKeys.
func (r *Version) decode(v *domain.Version, box *seal.Box) (unread []domain.Fault) {
	spec := &v.Spec
	note := func(field string, cause error) {
		if cause != nil {
			unread = append(unread, domain.Fault{Field: field, Reason: cause.Error()})
		}
	}
	if r.Body != "" {
		if json.Valid([]byte(r.Body)) {
			spec.Body = json.RawMessage(r.Body)
		} else {
			note("body", errNotJSON)
		}
	}
	if r.Tags != "" {
		var tags []string
		fault := decodeJSON(r.Tags, &tags)
		note("tags", fault)
		if fault == nil {
			spec.Tags = tags
		}
	}
	var fault error
	spec.Headers, fault = r.openHeaders(box)
	note("headers", fault)
	signing, faults := r.decodeOptions(v)
	unread = append(unread, faults...)
	spec.Signing.Secrets, fault = r.openSigning(signing, box)
	note("signing", fault)
	return unread
}

// decodeOptions reads the options but for the secrets, which stay sealed. It
// names those that cannot be read.
func (r *Version) decodeOptions(v *domain.Version) (*storedSigning, []domain.Fault) {
	if r.Options == "" {
		return nil, nil
	}
	var o options
	if err := decodeJSON(r.Options, &o); err == nil {
		o.set(v)
		return o.Signing, nil
	}
	return r.salvageOptions(v)
}

// PauseOf returns what the options of a version say of its pause, nothing where they cannot be read.
func PauseOf(options Text) domain.Pause {
	var v domain.Version
	r := Version{Options: options}
	r.decodeOptions(&v)
	return v.Pause
}

// salvageOptions reads the options one by one.
func (r *Version) salvageOptions(v *domain.Version) (*storedSigning, []domain.Fault) {
	var fields map[string]json.RawMessage
	if err := decodeJSON(r.Options, &fields); err != nil {
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
		o.set(v)
		if o.Signing != nil {
			signing = o.Signing
		}
	}
	return signing, unread
}

// Equal reports whether two rows say the same. Sealing a value twice gives two
// texts: those are compared by what is in them.
func (r *Version) Equal(o *Version, box *seal.Box) bool {
	a, b := *r, *o
	a.Headers, b.Headers, a.Options, b.Options = "", "", "", ""
	a.Namespace, b.Namespace = "", "" // of the options
	if a != b {
		return false
	}
	if r.Headers == o.Headers && r.Options == o.Options {
		return true
	}
	mine, others := domain.Version{Spec: Defaults}, domain.Version{Spec: Defaults}
	faults := append(r.decode(&mine, box), o.decode(&others, box)...)
	return len(faults) == 0 && reflect.DeepEqual(mine, others)
}
