package wire

import (
	"encoding/json"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Job is the document of GET /jobs/{id}. [ReadChange] accepts it as a change.
type Job struct {
	ID            string      `json:"id" format:"uuid" doc:"The job's id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	JobID         string      `json:"jobId" format:"uuid" doc:"The job's id, by the name that it has in every other document: the same as id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Spec          domain.Spec `json:"spec" doc:"What the job is, with every default filled in and ******** for the values of secret headers."`
	CreatedAt     int64       `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	UpdatedAt     int64       `json:"updatedAt" format:"unix-ms" doc:"When the current version was made, Unix milliseconds." example:"1767225600000"`
	IsActive      bool        `json:"isActive" doc:"Whether the job fires. false: it is paused."`
	PausedReason  string      `json:"pausedReason,omitempty" doc:"Why it is paused; absent: nobody has said so." example:"The target is being moved"`
	PausedUntil   int64       `json:"pausedUntil,omitempty" format:"unix-ms" doc:"When it is active again by itself, Unix milliseconds; absent: once somebody resumes it." example:"1767232800000"`
	Version       int         `json:"version" doc:"The number of the current version, counted from 1." example:"1"`
	EffectiveFrom int64       `json:"effectiveFrom" format:"unix-ms" doc:"From when on the current version holds, Unix milliseconds." example:"1767225600000"`
	Error         string      `json:"error,omitempty" doc:"Why the stored job cannot be run, and so fires nothing; absent when it can." example:"timezone: Europe/Atlantis is not a known zone"`
	BodyCut       bool        `json:"bodyCut,omitempty" doc:"In a list: whether spec lacks the body, because it is longer than 4 KiB. GET /jobs/{id} has it. Absent: spec is whole." example:"true"`
	BodyBytes     int         `json:"bodyBytes,omitempty" doc:"How many bytes a body has that was cut." example:"250000"`
	NextFireAt    *int64      `json:"nextFireAt" format:"unix-ms" doc:"The next scheduled fire, Unix milliseconds; null when there is none." example:"1767225900000"`
}

// JobOf writes the document of a job with its secrets masked; nextFireAt nil: it has no further fires.
func JobOf(j *domain.Job, nextFireAt *int64) Job {
	out := Job{
		ID: j.ID.String(), JobID: j.ID.String(), Spec: j.Current.Spec.Masked(),
		CreatedAt: j.CreatedAt, UpdatedAt: j.UpdatedAt,
		IsActive: j.Current.Active, Version: j.Current.Number, EffectiveFrom: j.Current.EffectiveFrom,
		PausedReason: j.Current.Pause.Reason, PausedUntil: j.Current.Pause.Until,
		BodyCut: j.Current.BodyCut > 0, BodyBytes: j.Current.BodyCut, NextFireAt: nextFireAt,
	}
	if err := j.Current.Unusable(); err != nil {
		out.Error = domain.FaultText(err)
	}
	return out
}

// ReadOnly describes the members that the document of a job has in addition to its
// fields, as parts of a change.
type ReadOnly struct {
	ID            string `json:"id,omitempty" format:"uuid" readOnly:"true" doc:"The job's id. Not needed; another one is refused." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	JobID         string `json:"jobId,omitempty" format:"uuid" readOnly:"true" doc:"The same as id." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	CreatedAt     int64  `json:"createdAt,omitempty" format:"unix-ms" readOnly:"true" doc:"As it was read, Unix milliseconds or RFC 3339; cannot be changed." example:"1767225600000"`
	UpdatedAt     int64  `json:"updatedAt,omitempty" format:"unix-ms" readOnly:"true" doc:"As it was read, Unix milliseconds or RFC 3339; cannot be changed." example:"1767225600000"`
	Version       int64  `json:"version,omitempty" readOnly:"true" doc:"The number of the version that the change was made of. Another one than the current is a 409." example:"1"`
	EffectiveFrom int64  `json:"effectiveFrom,omitempty" format:"unix-ms" readOnly:"true" doc:"As it was read, Unix milliseconds or RFC 3339; cannot be changed." example:"1767225600000"`
	Error         string `json:"error,omitempty" readOnly:"true" doc:"As it was read; cannot be changed." example:"timezone: Europe/Atlantis is not a known zone"`
	BodyCut       bool   `json:"bodyCut,omitempty" readOnly:"true" doc:"As a list has it: the body, which is not in the document, stays as it is." example:"true"`
	BodyBytes     int    `json:"bodyBytes,omitempty" readOnly:"true" doc:"As a list has it; cannot be changed." example:"250000"`
	NextFireAt    int64  `json:"nextFireAt,omitempty" format:"unix-ms" readOnly:"true" doc:"As it was read, Unix milliseconds or RFC 3339; cannot be changed." example:"1767225900000"`

	// Of the answer to a change, which is the document with these beside.
	Message  string   `json:"message,omitempty" readOnly:"true" doc:"Of the answer to a change; not looked at." example:"Job updated"`
	Warnings []string `json:"warnings,omitempty" readOnly:"true" nullable:"false" doc:"Of the answer to a change; not looked at."`

	LastExecution map[string]any `json:"lastExecution,omitempty" readOnly:"true" doc:"As a list has it; not looked at."`
}

// Document is a version in the form of an export: a document that [Merge] accepts, with
// [domain.Mask] in place of each secret. A job that cannot be run also has the member
// error, which has the reason: what could not be read is not in the document, and an
// import refuses the member error by its name.
func Document(v *domain.Version) json.Marshaler { return document{v, false} }

// Revealed is [Document] with the secrets themselves.
func Revealed(v *domain.Version) json.Marshaler { return document{v, true} }

type document struct {
	version *domain.Version
	reveal  bool
}

// MarshalJSON implements json.Marshaler.
func (d document) MarshalJSON() ([]byte, error) {
	doc := domain.SpecDoc{Spec: d.version.Spec, IsActive: d.version.Active, Pause: d.version.Pause}
	if !d.reveal {
		doc.Spec = doc.Masked()
	}
	text, err := encode(&doc, d.reveal)
	fault := d.version.Unusable()
	if err != nil || fault == nil {
		return text, err
	}
	why, err := json.Marshal(domain.FaultText(fault))
	if err != nil {
		return nil, err
	}
	return fmt.Appendf(text[:len(text)-1], `,"error":%s}`, why), nil
}

// encode writes a document. The JSON of a spec never contains its signing secrets; if
// they were requested, they are written separately.
func encode(doc *domain.SpecDoc, reveal bool) ([]byte, error) {
	type pause struct {
		Reason string `json:"pausedReason,omitempty"`
		Until  int64  `json:"pausedUntil,omitempty"`
	}
	if !reveal {
		return json.Marshal(struct {
			*domain.SpecDoc
			pause
		}{doc, pause(doc.Pause)})
	}
	type signing struct {
		Secrets []string `json:"secrets,omitempty"`
	}
	var s signing
	for _, secret := range doc.Signing.Secrets {
		s.Secrets = append(s.Secrets, secret.Reveal())
	}
	return json.Marshal(struct {
		domain.Spec
		Signing  signing `json:"signing,omitzero"` // instead of the spec's own
		IsActive bool    `json:"isActive"`
		pause
	}{doc.Spec, s, doc.IsActive, pause(doc.Pause)})
}
