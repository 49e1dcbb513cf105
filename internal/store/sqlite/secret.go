package sqlite

import "github.com/belfry-scheduler/belfry/internal/webhook"

// storedSigning is how a job's signing secrets lie in the options of a version.
// The two functions below are the only ones through which secrets go to the
// disk and come back.
//
// What is stored must be the same for the same secrets: a repeated write is
// known by its equal row (sameVersion).
type storedSigning struct {
	Secrets []string `json:"secrets"`
}

func storeSecrets(secrets []webhook.Secret) *storedSigning {
	if len(secrets) == 0 {
		return nil
	}
	s := new(storedSigning)
	for _, secret := range secrets {
		s.Secrets = append(s.Secrets, secret.Reveal())
	}
	return s
}

func (s *storedSigning) load() []webhook.Secret {
	if s == nil {
		return nil
	}
	var secrets []webhook.Secret
	for _, text := range s.Secrets {
		secrets = append(secrets, webhook.Secret(text))
	}
	return secrets
}
