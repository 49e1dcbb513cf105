package domain

import (
	"encoding/base64"
	"maps"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Mask replaces a secret value wherever a job is shown. A change that sends the mask
// back leaves the stored value unchanged.
const Mask = webhook.Mask

// minSecretBytes is the shortest text that is masked in the response of a target:
// shorter ones occur in any text by chance.
const minSecretBytes = 4

// secretWords are the names of headers whose values are secret, and the last words of
// others: what follows the last hyphen.
var secretWords = []string{
	"key", "token", "secret", "authorization", "authentication", "auth", "cookie", "password", "passwd", "passphrase",
	"credential", "credentials", "jwt", "assertion", "apikey", "accesskey", "authkey", "authtoken", "accesstoken",
}

// SecretHeader reports whether a header is secret because of its name, such as
// Authorization, Cookie, X-Api-Key, X-Auth-Token and Client-Secret: see secretWords. Key
// alone is not. Letter case is ignored, and an underscore counts as a hyphen, as in
// reserved names. A job can name further headers: see [Spec.IsSecret].
func SecretHeader(name string) bool {
	low := strings.ReplaceAll(strings.ToLower(name), "_", "-")
	last := low[strings.LastIndexByte(low, '-')+1:]
	return low != "key" && slices.Contains(secretWords, last)
}

// IsSecret reports whether the value of a header of this job is never shown: because of
// the header's name, or because secretHeaders names it.
func (s *Spec) IsSecret(name string) bool {
	return SecretHeader(name) || slices.ContainsFunc(s.SecretNames,
		func(n string) bool { return strings.EqualFold(n, name) })
}

// SecretHeaders returns the names of the job's headers whose values are secret,
// sorted; nil when there is none.
func (s *Spec) SecretHeaders() []string {
	var names []string
	for name := range s.Headers {
		if s.IsSecret(name) {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names
}

// Masked returns the spec in the form that may be shown: with [Mask] for each secret
// value, of headers and of signing.
func (s *Spec) Masked() Spec {
	out := *s
	if n := len(s.Signing.Secrets); n > 0 {
		out.Signing.Secrets = slices.Repeat([]webhook.Secret{Mask}, n)
	}
	if names := s.SecretHeaders(); names != nil {
		out.Headers = maps.Clone(s.Headers)
		for _, name := range names {
			out.Headers[name] = Mask
		}
	}
	return out
}

// SecretTexts returns the texts that must be masked in the response of a target, which
// may repeat what it has received or knows: the secret values, the part of an
// Authorization after its scheme, for Basic also what it encodes and the password alone,
// the values of cookies, and the part of a signing secret after its prefix. The longest
// come first.
func (s *Spec) SecretTexts() []string {
	var texts []string
	for _, name := range s.SecretHeaders() {
		value := s.Headers[name]
		texts = append(texts, value)
		if strings.EqualFold(name, "cookie") {
			for pair := range strings.SplitSeq(value, ";") {
				_, v, _ := strings.Cut(pair, "=")
				texts = append(texts, strings.TrimSpace(v))
			}
		} else if scheme, rest, ok := strings.Cut(value, " "); ok {
			rest = strings.TrimSpace(rest)
			texts = append(texts, rest)
			if user, err := base64.StdEncoding.DecodeString(rest); err == nil && strings.EqualFold(scheme, "Basic") {
				_, password, _ := strings.Cut(string(user), ":")
				texts = append(texts, string(user), password)
			}
		}
	}
	for _, secret := range s.Signing.Secrets {
		texts = append(texts, secret.Texts()...)
	}
	texts = slices.DeleteFunc(texts, func(t string) bool { return len(t) < minSecretBytes })
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(texts)
}
