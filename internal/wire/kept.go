package wire

import (
	"crypto/rand"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// KeptSecrets returns the fields of the secrets of a document that a change leaves as they
// are without sending their values: by a mask, or by not naming them. To send the value
// that a secret has is not to keep it: whoever does knows it. The change is one that
// lay has taken for the document: [Merge], or [Patch].
//
// The change is merged into the document with other secrets, which nobody can know; what
// is still there was kept. So there is one rule of what a change means, that of lay.
func KeptSecrets(doc *domain.SpecDoc, lay func(*domain.SpecDoc) error) []string {
	marked, headers := *doc, map[string]string{}
	marked.Headers = maps.Clone(doc.Headers)
	for _, name := range doc.SecretHeaders() {
		headers[name] = rand.Text()
		marked.Headers[name] = headers[name]
	}
	marked.Signing.Secrets = nil
	for range doc.Signing.Secrets {
		key := make([]byte, 32)
		_, _ = rand.Read(key) // never fails: crypto/rand aborts the process instead
		marked.Signing.Secrets = append(marked.Signing.Secrets,
			webhook.Secret(webhook.Prefix+base64.StdEncoding.EncodeToString(key)))
	}
	secrets := slices.Clone(marked.Signing.Secrets)
	if lay(&marked) != nil {
		return nil
	}
	var kept []string
	for _, name := range slices.Sorted(maps.Keys(headers)) {
		if slices.Contains(slices.Collect(maps.Values(marked.Headers)), headers[name]) {
			kept = append(kept, "headers."+name)
		}
	}
	for i, secret := range secrets {
		if slices.Contains(marked.Signing.Secrets, secret) {
			kept = append(kept, fmt.Sprintf("signing.secrets[%d]", i))
		}
	}
	return kept
}
