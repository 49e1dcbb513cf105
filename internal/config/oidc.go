package config

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"unicode"
)

const (
	maxClientID     = 255
	maxClientSecret = 4 << 10
	maxProviderName = 60
	scopeOpenID     = "openid" // without it a provider does not say who somebody is
)

// oidcKeys are the settings that have no meaning without oidc_issuer.
var oidcKeys = []string{"oidc_client_id", "oidc_client_secret", "oidc_client_secret_file", "oidc_scopes", "oidc_grants",
	"oidc_name"}

// setOIDCIssuer takes the URL of a provider. What it says decides who may come in, so that it has to be https,
// except on this machine.
func setOIDCIssuer(c *Config, raw string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "": // none
	case err != nil || !isPlainURL(raw):
		return "must be the URL of a provider, as in https://login.example.com/realms/staff"
	case u.Scheme != "https" && !loopback(u.Hostname()):
		return "must be an https URL: what the provider says decides who may come in"
	}
	c.OIDC.Issuer = raw // byte for byte: an issuer may end with a slash
	return ""
}

func setOIDCClientID(c *Config, raw string) string {
	if len(raw) > maxClientID || strings.ContainsFunc(raw, func(r rune) bool { return r < ' ' || r > '~' }) {
		return "must have at most 255 printable ASCII characters"
	}
	c.OIDC.ClientID = raw
	return ""
}

// setOIDCClientSecret takes the secret of the client. Its message does not show it.
func setOIDCClientSecret(c *Config, raw string) string {
	if len(raw) > maxClientSecret || strings.ContainsFunc(raw, unicode.IsControl) {
		return "must have at most 4096 characters, and no control characters"
	}
	c.OIDC.ClientSecret = Secret(raw)
	return ""
}

func getOIDCClientSecret(c *Config) string {
	if c.OIDC.ClientSecret == "" {
		return ""
	}
	return masked([]Secret{c.OIDC.ClientSecret})
}

// setOIDCScopes reads scopes separated by blanks or commas (RFC 6749, section 3.3). openid is always one.
func setOIDCScopes(c *Config, raw string) string {
	scopes := strings.FieldsFunc(raw, func(r rune) bool { return r == ',' || unicode.IsSpace(r) })
	for _, scope := range scopes {
		if strings.ContainsFunc(scope, func(r rune) bool { return r <= ' ' || r > '~' || r == '"' || r == '\\' }) {
			return "must be names of scopes, separated by blanks or commas"
		}
	}
	if !slices.Contains(scopes, scopeOpenID) {
		scopes = append([]string{scopeOpenID}, scopes...)
	}
	c.OIDC.Scopes = scopes
	return ""
}

// setOIDCGrants reads grants separated by commas or line ends. A comma in a grant is written with a backslash
// before it: names in directories have some. Their form is judged where roles are known, by the server as it starts.
func setOIDCGrants(c *Config, raw string) string {
	c.OIDC.Grants = nil
	for _, text := range splitUnescaped(raw) {
		if text = strings.TrimSpace(text); text != "" {
			c.OIDC.Grants = append(c.OIDC.Grants, text)
		}
	}
	return ""
}

func getOIDCGrants(c *Config) string {
	escaped := make([]string, len(c.OIDC.Grants))
	for i, g := range c.OIDC.Grants {
		escaped[i] = strings.ReplaceAll(g, ",", `\,`)
	}
	return strings.Join(escaped, ", ")
}

// splitUnescaped parts a text at line ends, and at commas without a backslash before them, which is dropped.
func splitUnescaped(raw string) (parts []string) {
	var part strings.Builder
	for i := 0; i < len(raw); i++ {
		switch {
		case strings.HasPrefix(raw[i:], `\,`):
			part.WriteByte(',')
			i++
		case raw[i] == ',', raw[i] == '\n':
			parts = append(parts, part.String())
			part.Reset()
		default:
			part.WriteByte(raw[i])
		}
	}
	return append(parts, part.String())
}

func setOIDCName(c *Config, raw string) string {
	if len(raw) > maxProviderName || strings.ContainsFunc(raw, func(r rune) bool { return !unicode.IsPrint(r) }) {
		return "must have at most 60 bytes of text that is seen"
	}
	c.OIDC.Name = strings.TrimSpace(raw)
	return ""
}

// ProviderName returns what people call the provider by which they sign in: the name that is set, or its host.
func (c *Config) ProviderName() string {
	u, err := url.Parse(c.OIDC.Issuer)
	if err != nil { // setOIDCIssuer has parsed it
		return c.OIDC.Name
	}
	return cmp.Or(c.OIDC.Name, u.Hostname())
}

// oidcFault returns which setting of OpenID Connect is at fault beside the others, and why; without a message none is.
func (c *Config) oidcFault(given func(key string) bool) (key, message string) {
	if c.OIDC.Issuer == "" {
		for _, key := range oidcKeys {
			if given(key) {
				return key, "needs oidc_issuer beside it, the URL of the provider of OpenID Connect"
			}
		}
		return "", ""
	}
	const issuer = "oidc_issuer"
	switch {
	case c.OIDC.ClientID == "":
		return issuer, "needs oidc_client_id beside it, by which the provider knows this server"
	case c.OIDC.ClientSecret == "" && c.OIDC.ClientSecretFile == "":
		return issuer, "needs oidc_client_secret or oidc_client_secret_file beside it, which the provider has given " +
			"to the client"
	case c.OIDC.ClientSecret != "" && c.OIDC.ClientSecretFile != "":
		return "oidc_client_secret_file", "contradicts oidc_client_secret: keep one of the two"
	case len(c.OIDC.Grants) == 0:
		return issuer, "needs oidc_grants beside it, as in groups=belfry-admins:admin: without a grant nobody may do " +
			"anything"
	case c.PublicURL == "":
		return issuer, "needs public_url (BELFRY_PUBLIC_URL) beside it: the provider sends people back to " +
			"PUBLIC_URL/session/oidc/callback"
	}
	return "", ""
}
