package domain

import (
	"maps"
	"slices"
	"strings"
)

// Mask stands for a secret value wherever a job is shown. A change that sends
// it back keeps the value that it stands for.
const Mask = "********"

// minSecretBytes is the shortest text that is blotted out of what a target
// answered: shorter ones are in any text by chance.
const minSecretBytes = 4

// SecretHeader reports whether a header of this name holds a secret by what it
// is for: Authorization, Proxy-Authorization, Cookie, and what ends in -Key,
// -Token or -Secret. Letter case is ignored. A job can name more: see
// [Spec.IsSecret].
func SecretHeader(name string) bool {
	switch low := strings.ToLower(name); low {
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

// Masked returns the spec as it may be shown: with [Mask] for each secret value.
func (s *Spec) Masked() Spec {
	out := *s
	if names := s.SecretHeaders(); names != nil {
		out.Headers = maps.Clone(s.Headers)
		for _, name := range names {
			out.Headers[name] = Mask
		}
	}
	return out
}

// SecretTexts returns what must not be shown of a text that a target answered,
// which may repeat what it was sent: the secret values, the part of an
// Authorization after its scheme, and the values of cookies. The longest come
// first, so that none is hidden in part.
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
	texts = slices.DeleteFunc(texts, func(t string) bool { return len(t) < minSecretBytes })
	slices.SortFunc(texts, func(a, b string) int { return len(b) - len(a) })
	return slices.Compact(texts)
}

// keepSecrets puts stored values where the document has a mask in their place.
// A mask that stands for nothing is a fault. So is a change by which a value
// would be shown that nobody has sent with it: what is secret stays it.
func (m *merger) keepSecrets(old *SpecDoc) {
	copied := false
	for _, name := range sortedKeys(m.next.Headers) {
		value, secret := m.next.Headers[name], m.next.IsSecret(name)
		stored, was := old.secretValue(name)
		masked := value == Mask && (secret || was)
		switch {
		case masked && !was:
			m.faults.add("headers."+name, "must be the value itself: "+Mask+" keeps a value that is stored, and none is. "+
				"Exported jobs have the values only with --with-secrets", nil)
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
