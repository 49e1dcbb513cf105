package config

import (
	"maps"
	"slices"
	"strings"
	"testing"
)

// provider is what sign-ins by OpenID Connect need.
var provider = map[string]string{
	"BELFRY_PUBLIC_URL": "https://belfry.example.com/", "BELFRY_OIDC_ISSUER": "https://login.example.com/realms/staff",
	"BELFRY_OIDC_CLIENT_ID": "belfry", "BELFRY_OIDC_CLIENT_SECRET": "canary-of-the-client",
	"BELFRY_OIDC_GRANTS": "groups=ops:admin, groups=billing:editor:billing",
}

// besides returns what one of the settings needs beside it.
func besides(variable string) (environ []string) {
	for name, value := range provider {
		other := name == "BELFRY_OIDC_CLIENT_SECRET" && variable == "BELFRY_OIDC_CLIENT_SECRET_FILE"
		if name != variable && !other {
			environ = append(environ, name+"="+value)
		}
	}
	return environ
}

// withProvider loads these with some changed; an empty one is absent.
func withProvider(t *testing.T, changed map[string]string) (*Config, error) {
	t.Helper()
	all := maps.Clone(provider)
	maps.Copy(all, changed)
	var environ []string
	for name, value := range all {
		environ = append(environ, name+"="+value)
	}
	return places{environ: environ}.load(t)
}

func TestOIDCSettings(t *testing.T) {
	c, err := withProvider(t, map[string]string{"BELFRY_OIDC_SCOPES": "groups,email"})
	if err != nil {
		t.Fatal(err)
	}
	o := c.OIDC
	if o.Issuer != "https://login.example.com/realms/staff" || o.ClientSecret.Reveal() != "canary-of-the-client" ||
		!slices.Equal(o.Scopes, []string{"openid", "groups", "email"}) ||
		!slices.Equal(o.Grants, []string{"groups=ops:admin", "groups=billing:editor:billing"}) ||
		c.PublicURL != "https://belfry.example.com" || c.ProviderName() != "login.example.com" {
		t.Errorf("%+v, %s, %s", o, c.PublicURL, c.ProviderName())
	}
	if strings.Contains(c.String(), "canary") || !strings.Contains(c.String(), "oidc_client_secret = ******** (1)") {
		t.Error(c)
	}
	if c, err = withProvider(t, map[string]string{"BELFRY_OIDC_NAME": "Staff login"}); err != nil ||
		c.ProviderName() != "Staff login" || !slices.Equal(c.OIDC.Scopes, []string{"openid", "profile", "email"}) {
		t.Error(err)
	}
	local, err := withProvider(t, map[string]string{"BELFRY_OIDC_ISSUER": "http://127.0.0.1:9998/"})
	if err != nil || local.OIDC.Issuer != "http://127.0.0.1:9998/" {
		t.Error(err)
	}
}

// TestGrantsInDirectories: a value may have commas, and a list of a file is one grant an item.
func TestGrantsInDirectories(t *testing.T) {
	text := `groups=cn=ops\,dc=example:admin,` + "\n" + `email=ann@example.com:viewer`
	c, err := withProvider(t, map[string]string{"BELFRY_OIDC_GRANTS": text})
	want := []string{"groups=cn=ops,dc=example:admin", "email=ann@example.com:viewer"}
	if err != nil || !slices.Equal(c.OIDC.Grants, want) {
		t.Fatalf("%q, %v", c.OIDC.Grants, err)
	}
	again := new(Config)
	setOIDCGrants(again, getOIDCGrants(c))
	if !slices.Equal(again.OIDC.Grants, want) {
		t.Errorf("%q", again.OIDC.Grants)
	}
	file := "public_url: https://b.test\noidc_issuer: https://l.test\noidc_client_id: b\noidc_client_secret: s\n" +
		"oidc_grants:\n- groups=cn=ops\\,dc=example:admin\n- email=ann@example.com:viewer\n"
	if c = mustLoad(t, places{file: file}); !slices.Equal(c.OIDC.Grants, want) {
		t.Errorf("%q", c.OIDC.Grants)
	}
}

// TestIncompleteOIDCSettings: each refusal names the setting that is missing.
func TestIncompleteOIDCSettings(t *testing.T) {
	for missing, want := range map[string]string{
		"BELFRY_PUBLIC_URL": "BELFRY_OIDC_ISSUER=https://login.example.com/realms/staff (environment): needs " +
			"public_url",
		"BELFRY_OIDC_CLIENT_ID":     "needs oidc_client_id beside it",
		"BELFRY_OIDC_CLIENT_SECRET": "needs oidc_client_secret or oidc_client_secret_file",
		"BELFRY_OIDC_GRANTS":        "needs oidc_grants beside it",
		"BELFRY_OIDC_ISSUER":        "BELFRY_OIDC_CLIENT_ID=belfry (environment): needs oidc_issuer beside it",
	} {
		_, err := withProvider(t, map[string]string{missing: ""})
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("without %s: %v", missing, err)
		}
	}
	_, err := withProvider(t, map[string]string{"BELFRY_OIDC_CLIENT_SECRET_FILE": "/run/secret"})
	if err == nil || !strings.Contains(err.Error(), "contradicts oidc_client_secret") {
		t.Error(err)
	}
	if _, err = withProvider(t, map[string]string{"BELFRY_OIDC_CLIENT_SECRET": "",
		"BELFRY_OIDC_CLIENT_SECRET_FILE": "/run/secret"}); err != nil {
		t.Error(err)
	}
}

// TestBadOIDCSettings lists what is no value of one.
func TestBadOIDCSettings(t *testing.T) {
	for name, values := range map[string][]string{
		"BELFRY_OIDC_ISSUER": {"login.example.com", "http://login.example.com", "https://", "https://u:canary@l.test",
			"https://l.test?x=1", "https://l.test#x", "ftp://l.test"},
		"BELFRY_OIDC_CLIENT_ID":     {strings.Repeat("x", 256), "a\x01", "ü"},
		"BELFRY_OIDC_CLIENT_SECRET": {"canary\x01", strings.Repeat("canary", 1000)},
		"BELFRY_OIDC_SCOPES":        {`a"b`, `a\b`, "ü"},
		"BELFRY_OIDC_NAME":          {strings.Repeat("x", 61), "a\u202eb", "a\tb"},
		"BELFRY_PUBLIC_URL": {"belfry.example.com", "https://u:canary@b.test", "https://u@b.test",
			"https://b.test/?x", "https://b.test#"},
	} {
		for _, value := range values {
			_, err := withProvider(t, map[string]string{name: value})
			if err == nil || !strings.Contains(err.Error(), name) || !strings.Contains(err.Error(), "must") ||
				strings.Contains(err.Error(), "canary") {
				t.Errorf("%s=%q: %v", name, value, err)
			}
		}
	}
}
