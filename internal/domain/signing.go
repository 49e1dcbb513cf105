package domain

import (
	"encoding/json"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Signing is how a job's requests are signed. The zero value leaves that to the
// server's own secrets.
type Signing struct {
	Secrets []webhook.Secret `json:"secrets,omitempty"` // at most webhook.MaxSecrets, the newest first
}

func (s *Spec) checkSigning(fe *fieldErrors) {
	secrets := s.Signing.Secrets
	if len(secrets) > webhook.MaxSecrets {
		fe.add("signing.secrets", fmt.Sprintf("must be at most %d: the new one and the old one", webhook.MaxSecrets), len(secrets))
		return
	}
	for i, secret := range secrets {
		field := fmt.Sprintf("signing.secrets[%d]", i)
		if err := secret.Validate(); err != nil {
			fe.add(field, err.Error(), nil)
		} else if i > 0 && secret == secrets[0] {
			fe.add(field, "is there twice", nil)
		}
	}
}

// decodeSecrets reads the secrets of a document. What is shown of a secret is a
// mask; a mask that is sent back stands for the secrets that are there, in their
// order. So [new, mask] adds a secret before the one in use, and [mask] then
// drops the old one.
func decodeSecrets(raw json.RawMessage, d *SpecDoc) error {
	var secrets []webhook.Secret
	if err := json.Unmarshal(raw, &secrets); err != nil {
		return err
	}
	kept := d.Signing.Secrets
	for i := range secrets {
		if secrets[i].Masked() && len(kept) > 0 {
			secrets[i], kept = kept[0], kept[1:]
		}
	}
	if len(secrets) == 0 {
		secrets = nil
	}
	d.Signing.Secrets = secrets
	return nil
}

// RevealedJSON is [SpecDoc.MarshalJSON] with the secrets themselves instead of
// masks: for an export that was asked for them.
func (d SpecDoc) RevealedJSON() ([]byte, error) {
	type signing struct {
		Secrets []string `json:"secrets,omitempty"`
	}
	var s signing
	for _, secret := range d.Signing.Secrets {
		s.Secrets = append(s.Secrets, secret.Reveal())
	}
	return json.Marshal(struct {
		Spec
		Signing  signing `json:"signing,omitzero"` // in the place of the spec's own
		IsActive bool    `json:"isActive"`
	}{d.Spec, s, d.IsActive})
}
