package domain

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Mask stands for a secret value wherever a job is shown. A change that sends
// it back keeps the value that it stands for.
const Mask = webhook.Mask

// minSecretBytes is the shortest text that is blotted out of what a target
// answered: shorter ones are in any text by chance.
const minSecretBytes = 4

// SecretHeader reports whether a header of this name holds a secret by what it
// is for: Authorization, Proxy-Authorization, Cookie, and what ends in -Key,
// -Token or -Secret. Letter case is ignored, and an underscore counts as a
// hyphen, as in reserved names. A job can name more: see [Spec.IsSecret].
func SecretHeader(name string) bool {
	switch low := strings.ReplaceAll(strings.ToLower(name), "_", "-"); low {
	case "authorization", "proxy-authorization", "cookie":
		return true
	default:
		return strings.HasSuffix(low, "-key") || strings.HasSuffix(low, "-token") || strings.HasSuffix(low, "-secret")
	}
}

// IsSecret reports whether the value of a header of this job is never shown:
// by the header's name, or because secretHeaders names it.
func (s *Spec) IsSecret(name string) bool {
	return SecretHeader(name) || slices.ContainsFunc(s.SecretNames, func(n string) bool { return strings.EqualFold(n, name) })
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

// Masked returns the spec as it may be shown: with [Mask] for each secret value,
// of headers and of signing.
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

// RevealedJSON is [SpecDoc.MarshalJSON] with the signing secrets themselves,
// which the JSON of a spec never has: for an export that was asked for them.
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

// SecretTexts returns what must not be shown of a text that a target answered,
// which may repeat what it was sent or knows: the secret values, the part of an
// Authorization after its scheme, the values of cookies, and what is behind the
// prefix of a signing secret. The longest come first, so that none is hidden in
// part.
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
		} else if _, rest, ok := strings.Cut(value, " "); ok {
			texts = append(texts, strings.TrimSpace(rest))
		}
	}
	for _, secret := range s.Signing.Secrets {
		texts = append(texts, secret.Texts()...)
	}
	texts = slices.DeleteFunc(texts, func(t string) bool { return len(t) < minSecretBytes })
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(texts)
}

// noSecret is what is wrong with a mask that stands for nothing.
const noSecret = "must be the value itself: " + Mask + " keeps a value that is stored, and none is. " +
	"Exported jobs have the values only with --with-secrets"

// keepSecrets puts stored values where the document has a mask in their place.
// A mask that stands for nothing is a fault.
func (m *merger) keepSecrets(old *SpecDoc) {
	m.keepHeaders(old)
	m.keepSigning(old)
}

// keepHeaders: a change by which a value would be shown that nobody has sent
// with it is a fault too: what is secret stays it.
func (m *merger) keepHeaders(old *SpecDoc) {
	copied := false
	for _, name := range sortedKeys(m.next.Headers) {
		value, secret := m.next.Headers[name], m.next.IsSecret(name)
		stored, was := old.secretValue(name)
		masked := value == Mask && (secret || was)
		switch {
		case masked && !was:
			m.faults.add("headers."+name, noSecret, nil)
		case was && !secret && (masked || !m.headersSent):
			m.faults.add("secretHeaders", "must go on to name "+name+", or its value must be sent anew", nil)
		case masked:
			if !copied { // the map may be the one of the version that is current
				m.next.Headers, copied = maps.Clone(m.next.Headers), true
			}
			m.next.Headers[name] = stored
		}
	}
}

// secretValue returns the secret of a header, whose name may be written in
// another case.
func (s *Spec) secretValue(name string) (string, bool) {
	for known, value := range s.Headers {
		if strings.EqualFold(known, name) && s.IsSecret(known) {
			return value, true
		}
	}
	return "", false
}

// keepSigning: masks stand for the secrets that are there, in their order. So
// [new, mask] adds a secret before the one in use, and [mask] then drops the old
// one. Only a list that was sent has masks, and that one is nobody else's yet.
func (m *merger) keepSigning(old *SpecDoc) {
	secrets, kept := m.next.Signing.Secrets, old.Signing.Secrets
	for i := range secrets {
		switch {
		case secrets[i] != Mask:
		case len(kept) == 0:
			m.faults.add(fmt.Sprintf("signing.secrets[%d]", i), noSecret, nil)
		default:
			secrets[i], kept = kept[0], kept[1:]
		}
	}
	if len(secrets) == 0 {
		m.next.Signing.Secrets = nil
	}
}
