package app

import (
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// TestFingerprintOfSettings: each setting that decides how a job is called changes its part, and no other.
func TestFingerprintOfSettings(t *testing.T) {
	t.Parallel()
	authorities := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(authorities, []byte("one"), 0o600); err != nil {
		t.Fatal(err)
	}
	rules := func(text string) egress.Rules {
		parsed, err := egress.ParseRules(text)
		if err != nil {
			t.Fatal(err)
		}
		return parsed
	}
	server := func(change func(*config.Config)) func() cluster.Fingerprint {
		cfg := &config.Config{
			Egress: "public", EgressDeny: rules("10.0.0.0/8"), Retention: time.Hour, EgressCAFile: authorities,
			SigningSecrets: []webhook.Secret{"whsec_a", "whsec_b"}, SigningUndivided: []string{"a", "b"},
		}
		change(cfg)
		return func() cluster.Fingerprint {
			return settings(cfg, func(string) [][]byte { return [][]byte{[]byte("key")} }, nil)
		}
	}
	base := server(func(*config.Config) {})()
	for part, changes := range map[string][]func(*config.Config){
		"": {
			func(c *config.Config) { c.SigningUndivided = []string{"b", "a"} },
			func(c *config.Config) {
				// where nobody signs in
				c.OIDC.Issuer, c.Cluster.Role = "https://login.example.com", config.RoleScheduler
			},
			func(c *config.Config) { c.MaxInFlight, c.HTTP2, c.Prepare = 7, true, true },
			func(c *config.Config) { c.EgressCAFile = authorities + ".new" }, // it is being replaced
		},
		"egress": {
			func(c *config.Config) { c.Egress = "any" },
			func(c *config.Config) { c.EgressDeny, c.EgressAllow = nil, c.EgressDeny },
		},
		"egress-ca": {func(c *config.Config) { c.EgressCAFile = "" }},
		"sign-in":   {func(c *config.Config) { c.OIDC.Issuer = "https://login.example.com" }},
		"signing": {
			func(c *config.Config) { slices.Reverse(c.SigningSecrets) },
			func(c *config.Config) { c.SigningUndivided = nil },
			func(c *config.Config) { c.SigningSecrets = nil },
		},
		"retention": {func(c *config.Config) { c.Retention = 0 }},
	} {
		var want []string
		if part != "" {
			want = []string{part}
		}
		for i, change := range changes {
			if got := server(change)().Unlike(base); !slices.Equal(got, want) {
				t.Errorf("%s %d: %q differ", part, i, got)
			}
		}
	}
	same := server(func(*config.Config) {})
	if err := os.WriteFile(authorities, []byte("another"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := same().Unlike(base); !slices.Equal(got, []string{"egress-ca"}) {
		t.Errorf("with other authorities %q differ", got)
	}
}
