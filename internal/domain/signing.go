package domain

import (
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Signing defines how a job's requests are signed. With the zero value the server's own
// secrets are used.
type Signing struct {
	Secrets []webhook.Secret `json:"secrets,omitempty"` // at most webhook.MaxSecrets, the newest first
}

func (s *Spec) checkSigning(fe *fieldErrors) {
	secrets := s.Signing.Secrets
	if len(secrets) > webhook.MaxSecrets {
		fe.addAs(FieldLength, "signing.secrets", fmt.Sprintf("must be at most %d: the new one and the old one",
			webhook.MaxSecrets),
			len(secrets))
		return
	}
	for i, secret := range secrets {
		field := fmt.Sprintf("signing.secrets[%d]", i)
		if err := secret.Validate(); err != nil {
			fe.addAs(FieldFormat, field, err.Error(), nil)
		} else if i > 0 && secret == secrets[0] {
			fe.addAs(FieldDuplicate, field, "is there twice", nil)
		}
	}
}
