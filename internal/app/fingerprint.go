package app

import (
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"maps"
	"os"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/config"
)

// settings returns the fingerprint of what decides how a fire is sent and how long its record is
// kept: a job must not fare differently because another server has its shard; and of who comes in. What decides how
// fast that is, and over which connections (limits, HTTP/2, prepared connections), may differ.
func settings(c *config.Config, derive func(purpose string) [][]byte, presented map[string]tls.Certificate,
	who *access.Admission) cluster.Fingerprint {
	signing := make([]string, 0, len(c.SigningSecrets)+len(c.SigningUndivided)+1)
	for _, secret := range c.SigningSecrets {
		signing = append(signing, secret.Reveal())
	}
	signing = append(append(signing, "undivided"), slices.Sorted(slices.Values(c.SigningUndivided))...)
	parts := map[string][]string{
		"egress":              {string(c.Egress), c.EgressAllow.String(), c.EgressDeny.String()},
		"signing":             signing,
		"client-certificates": certificateTexts(c, presented),
		"retention":           {c.Retention.String()},
	}
	if c.Cluster.Role != config.RoleScheduler { // nobody signs in there
		parts["sign-in"] = peopleTexts(c, who)
	}
	if c.EgressCAFile == "" {
		parts["egress-ca"] = nil
	} else if text, err := os.ReadFile(c.EgressCAFile); err == nil { // else it is being replaced
		parts["egress-ca"] = []string{string(text)}
	}
	return cluster.NewFingerprint(derive("fingerprint of settings"), parts)
}

// certificateTexts returns what is public of the client certificates, and who may use them.
func certificateTexts(c *config.Config, presented map[string]tls.Certificate) (texts []string) {
	for _, name := range slices.Sorted(maps.Keys(presented)) {
		sum := sha256.Sum256(presented[name].Leaf.Raw)
		texts = append(texts, name, hex.EncodeToString(sum[:]))
		for _, given := range c.ClientCertificates {
			if given.Name == name {
				texts = append(texts, slices.Sorted(slices.Values(given.Namespaces))...)
			}
		}
	}
	return texts
}
