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
		who, err := openAdmission(cfg)
		if err != nil {
			t.Fatal(err)
		}
		return func() cluster.Fingerprint {
			return settings(cfg, func(string) [][]byte { return [][]byte{[]byte("key")} }, nil, who)
		}
	}
	inFile := func(c *config.Config, secret string) {
		c.OIDC.ClientSecret, c.OIDC.ClientSecretFile = "", filepath.Join(t.TempDir(), "secret")
		if err := os.WriteFile(c.OIDC.ClientSecretFile, []byte(secret+"\n"), 0o600); err != nil {
			t.Fatal(err)
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
		"sign-in":   {signsIn(func(*config.Config) {})},
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
	if server(signsIn(func(c *config.Config) { inFile(c, "secret") }))().Unlike(
		server(signsIn(func(*config.Config) {}))()) != nil {
		t.Error("where the secret is from matters")
	}
	for i, change := range []func(*config.Config){
		func(c *config.Config) { c.OIDC.Issuer = "https://login.example.net" },
		func(c *config.Config) { c.OIDC.ClientID = "another" },
		func(c *config.Config) { c.OIDC.ClientSecret = "another" },
		func(c *config.Config) { inFile(c, "another") },
		func(c *config.Config) { c.OIDC.Scopes = []string{"openid", "groups"} },
		func(c *config.Config) { c.OIDC.Grants = []string{"groups=ops:viewer"} },
		func(c *config.Config) { c.PublicURL = "https://belfry.example.net" },
	} {
		got := server(signsIn(change))().Unlike(server(signsIn(func(*config.Config) {}))())
		if !slices.Equal(got, []string{"sign-in"}) {
			t.Errorf("provider %d: %q differ", i, got)
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

// signsIn returns a change to a server where people sign in.
func signsIn(change func(*config.Config)) func(*config.Config) {
	return func(c *config.Config) {
		c.PublicURL = "https://belfry.example.com"
		c.OIDC = config.OIDC{Issuer: "https://login.example.com", ClientID: "belfry", ClientSecret: "secret",
			Scopes: []string{"openid"}, Grants: []string{"groups=ops:admin"}}
		change(c)
	}
}
