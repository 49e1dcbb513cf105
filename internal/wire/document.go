package wire

import (
	"encoding/json"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Document is what an export shows of a version: a document that [Merge] takes, with
// [domain.Mask] in the place of each secret. A job that cannot be run has error besides,
// which says why: what could not be read is not in the document, and an import refuses the
// field by its name.
func Document(v *domain.Version) json.Marshaler { return document{v, false} }

// Revealed is [Document] with the secrets themselves.
func Revealed(v *domain.Version) json.Marshaler { return document{v, true} }

type document struct {
	version *domain.Version
	reveal  bool
}

// MarshalJSON implements json.Marshaler.
func (d document) MarshalJSON() ([]byte, error) {
	doc := domain.SpecDoc{Spec: d.version.Spec, IsActive: d.version.Active}
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

// encode writes a document. The JSON of a spec never has its signing secrets: they are
// written in its place where they were asked for.
func encode(doc *domain.SpecDoc, reveal bool) ([]byte, error) {
	if !reveal {
		return json.Marshal(doc)
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
		Signing  signing `json:"signing,omitzero"` // in the place of the spec's own
		IsActive bool    `json:"isActive"`
	}{doc.Spec, s, doc.IsActive})
}
