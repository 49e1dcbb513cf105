package domain

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const (
	secretA webhook.Secret = "whsec_YWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWFhYWE="
	secretB webhook.Secret = "whsec_YmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmJiYmI="
	secretC webhook.Secret = "whsec_Y2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2NjY2M="
)

func TestSigningIsChecked(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		secrets []webhook.Secret
		want    string // the one fault
	}{
		"none":       {nil, ""},
		"one":        {[]webhook.Secret{secretA}, ""},
		"two":        {[]webhook.Secret{secretA, secretB}, ""},
		"three":      {[]webhook.Secret{secretA, secretB, secretC}, "signing.secrets: must be at most 2"},
		"twice":      {[]webhook.Secret{secretA, secretA}, "signing.secrets[1]: is there twice"},
		"wrong":      {[]webhook.Secret{secretA, "secret"}, "signing.secrets[1]: must be whsec_"},
		"empty":      {[]webhook.Secret{""}, "signing.secrets[0]: must be whsec_"},
		"only shown": {[]webhook.Secret{webhook.Mask, secretA}, "signing.secrets[0]: must be whsec_"},
	} {
		s := validSpec()
		s.Signing.Secrets = tc.secrets
		got := fieldsOf(t, s.Validate())
		if tc.want == "" && len(got) != 0 || tc.want != "" && (len(got) != 1 || !strings.HasPrefix(got[0], tc.want)) {
			t.Errorf("%s: %q, want %q", name, got, tc.want)
		}
	}
}
