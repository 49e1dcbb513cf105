package config

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// setSigningSecrets reads secrets separated by commas or spaces. Its messages
// count them and never show one.
func setSigningSecrets(c *Config, raw string) string {
	var secrets []webhook.Secret
	for _, text := range strings.FieldsFunc(raw, func(r rune) bool {
		return r == ',' || r == ' ' ||
			r == '\t' || r == '\n'
	}) {
		secrets = append(secrets, webhook.Secret(text))
	}
	if len(secrets) == 0 {
		return "must be a secret, or be absent"
	}
	if _, err := webhook.NewSigner(secrets); err != nil {
		return err.Error()
	}
	c.SigningSecrets = secrets
	return ""
}

func getSigningSecrets(c *Config) string {
	return masked(c.SigningSecrets)
}
