package rows

import (
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

// Setting is a setting about alerts as it is stored.
type Setting struct {
	Kind     string
	ID       string
	Revision int64
	Body     Text // JSON
	Secrets  Text // JSON, a sealed text; NULL where there are none
}

// place is what the secrets are bound to.
func (r *Setting) place() []byte { return seal.Place("alert setting", r.Kind, r.ID) }

// EncodeSetting returns the row of a setting, its secrets sealed.
func EncodeSetting(s *domain.AlertSetting, box *seal.Box) (Setting, error) {
	r := Setting{Kind: string(s.Kind), ID: s.ID, Revision: s.Revision, Body: Text(s.Body)}
	if len(s.Secrets) == 0 {
		return r, nil
	}
	text, err := box.Seal(r.place(), string(s.Secrets))
	if err == nil {
		r.Secrets, err = EncodeJSON(storedText{text, true})
	}
	return r, err
}

// Decode returns the setting of a row. Secrets that cannot be opened are left out, and Unread says why.
func (r *Setting) Decode(box *seal.Box) domain.AlertSetting {
	s := domain.AlertSetting{
		Kind: domain.AlertSettingKind(r.Kind), ID: r.ID, Revision: r.Revision, Body: []byte(r.Body),
	}
	secrets, err := r.open(box)
	if err != nil {
		s.Unread = err.Error()
	} else if secrets != "" {
		s.Secrets = []byte(secrets)
	}
	return s
}

func (r *Setting) open(box *seal.Box) (string, error) {
	if r.Secrets == "" {
		return "", nil
	}
	var stored storedText
	if err := decodeJSON(r.Secrets, &stored); err != nil {
		return "", fmt.Errorf("the secrets of %s %s: %w", r.Kind, r.ID, errNotJSON)
	}
	if !stored.sealed {
		return stored.text, nil
	}
	text, err := box.Open(r.place(), stored.text)
	if err != nil {
		return "", fmt.Errorf("the secrets of %s %s %w", r.Kind, r.ID, err)
	}
	return text, nil
}

// Reseal seals the secrets of the row with the key that seals now. It reports whether the row has changed.
func (r *Setting) Reseal(box *seal.Box) (changed bool, err error) {
	var stored storedText
	if r.Secrets == "" {
		return false, nil
	}
	if err := decodeJSON(r.Secrets, &stored); err == nil && !stored.stale(box) {
		return false, nil
	}
	secrets, err := r.open(box)
	if err != nil {
		return false, err
	}
	s := domain.AlertSetting{Kind: domain.AlertSettingKind(r.Kind), ID: r.ID, Secrets: []byte(secrets)}
	sealed, err := EncodeSetting(&s, box)
	r.Secrets = sealed.Secrets
	return err == nil, err
}

// Plain returns the row with its secrets in plain text, as [Version.Plain] does.
func (r *Setting) Plain(box *seal.Box) Setting {
	plain := *r
	if text, err := r.open(box); err == nil {
		plain.Secrets = Text(text)
	}
	return plain
}
