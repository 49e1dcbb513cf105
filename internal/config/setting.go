package config

import (
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/egress"
)

// Settings returns the table of all settings, in the order in which they are
// documented.
func Settings() []Setting { return slices.Clone(settings) }

var settings = []Setting{
	{Key: "host", Env: "HOST", Flag: "host", Kind: "address", Default: defaultHost,
		Usage: "address to listen on; " + defaultOpenHost + " when API keys are set",
		set:   setHost, get: func(c *Config) string { return c.Host }},
	number("port", "PORT", defaultPort, 0, 65535, "TCP port to listen on; 0 picks a free one",
		func(c *Config) *int { return &c.Port }),
	file("unix_socket", "BELFRY_UNIX_SOCKET", "unix socket to listen on, instead of a port unless one is set",
		func(c *Config) *string { return &c.UnixSocket }),
	{Key: "db_path", Env: "DB_PATH", Flag: "db-path", Kind: "file", Default: "./data/jobs.db",
		Usage: "database file; the history is in its folder",
		set:   setDBPath, get: func(c *Config) string { return c.DBPath }},
	{Key: "database_url", Env: "DATABASE_URL", Flag: "database-url", Kind: "url",
		Usage: "PostgreSQL database, in place of a file: postgres://user@host:5432/db",
		set:   setDatabaseURL, get: (*Config).DatabaseName},
	file("database_url_file", "DATABASE_URL_FILE", "file that has database_url",
		func(c *Config) *string { return &c.DatabaseURLFile }),
	{Key: "node_name", Env: "BELFRY_NODE_NAME", Flag: "node-name", Kind: "name",
		Usage: "name of this server on the database; if empty, HOSTNAME:PORT",
		set:   setNodeName, get: func(c *Config) string { return c.Cluster.NodeName }},
	{Key: "advertise", Env: "BELFRY_ADVERTISE", Flag: "advertise", Kind: "url",
		Usage: "URL for other servers; if empty, the address to listen on",
		set:   setAdvertise, get: func(c *Config) string { return c.Cluster.Advertise }},
	{Key: "role", Env: "BELFRY_ROLE", Flag: "role", Kind: "name", Default: string(RoleAll),
		Usage: "work of this server: all, api or scheduler",
		set:   setRole, get: func(c *Config) string { return string(c.Cluster.Role) }},
	{Key: "log_level", Env: "LOG_LEVEL", Flag: "log-level", Kind: "level", Default: "info",
		Usage: "lowest level to log: debug, info, warn or error",
		set:   setLogLevel, get: func(c *Config) string { return strings.ToLower(c.LogLevel.String()) }},
	{Key: "log_dir", Env: "LOG_DIR", Flag: "log-dir", Kind: "folder",
		Usage: "folder for combined.log and error.log; if empty, no log files are written",
		set:   setLogDir, get: func(c *Config) string { return c.LogDir }},
	boolean("db_verbose", "DB_VERBOSE", "log every SQL statement",
		func(c *Config) *bool { return &c.DBVerbose }),
	{Key: "env", Env: "APP_ENV", Flag: "env", Kind: "name", Default: string(Production),
		Usage: "development (coloured log) or production (JSON log)",
		set:   setEnv, get: func(c *Config) string { return string(c.Env) }},
	{Key: "api_keys", Env: "BELFRY_API_KEYS", Kind: kindSecrets,
		Usage: "API keys with the role admin, separated by commas, each of 32 characters or more",
		set:   setAPIKeys, get: func(c *Config) string { return masked(c.APIKeys) }},
	unflagged(boolean("short_api_keys", "BELFRY_SHORT_API_KEYS", "accept API keys of 16 to 31 characters for now",
		func(c *Config) *bool { return &c.ShortAPIKeys })),
	{Key: "encryption_key", Env: "BELFRY_ENCRYPTION_KEY", Kind: kindSecrets,
		Usage: "key that seals the secrets of jobs: 32 bytes in base64; older keys, which only decrypt, " +
			"after a comma; " +
			"if empty, the file encryption.key is used",
		set: setEncryptionKeys, get: func(c *Config) string { return masked(c.EncryptionKeys) }},
	boolean("insecure_no_auth", "BELFRY_INSECURE_NO_AUTH", "listen beyond loopback without an API key",
		func(c *Config) *bool { return &c.InsecureNoAuth }),
	{Key: "trusted_proxies", Env: "BELFRY_TRUSTED_PROXIES", Flag: "trusted-proxies", Kind: kindNames,
		Usage: "proxies whose word about clients counts: addresses, CIDRs",
		set:   setTrustedProxies, get: getTrustedProxies},
	file("tls_cert", CertificateVariable, "certificate chain of the server, in PEM; if empty, there is no TLS",
		func(c *Config) *string { return &c.TLSCert }),
	file("tls_key", "BELFRY_TLS_KEY", "private key of that certificate, in PEM",
		func(c *Config) *string { return &c.TLSKey }),
	number("rate_limit", "BELFRY_RATE_LIMIT", 0, 0, maxRateLimit,
		"maximum requests a second with one API key; 0 means no limit",
		func(c *Config) *int { return &c.RateLimit }),
	duration("session_ttl", "BELFRY_SESSION_TTL", "12h", minSession, maxSession,
		"how long a session of a browser lasts",
		func(c *Config) *time.Duration { return &c.Sessions.TTL }),
	duration("session_idle", "BELFRY_SESSION_IDLE", "1h", minSession, maxSession, "how long it lasts without a request",
		func(c *Config) *time.Duration { return &c.Sessions.Idle }),
	number("max_connections", "BELFRY_MAX_CONNECTIONS", 1_000, minConnections, maxConnections,
		"maximum simultaneous connections of API clients", func(c *Config) *int { return &c.MaxConnections }),
	number("max_connection_rate", "BELFRY_MAX_CONNECTION_RATE", 2_000, minConnRate, maxConnRate,
		"new connections a second without delay",
		func(c *Config) *int { return &c.MaxConnectionRate }),
	duration("retention", "BELFRY_RETENTION", "30d", minRetention, maxRetention, "how long history is retained",
		func(c *Config) *time.Duration { return &c.Retention }),
	number("max_in_flight", "BELFRY_MAX_IN_FLIGHT", 20_000, 1, maxInFlightLimit, "maximum calls in flight",
		func(c *Config) *int { return &c.MaxInFlight }),
	number("max_in_flight_per_host", "BELFRY_MAX_IN_FLIGHT_PER_HOST", 0, 0, maxInFlightLimit,
		"maximum of them to one host; 0 means 90 % of all", func(c *Config) *int { return &c.MaxInFlightPerHost }),
	duration("shutdown_grace", "BELFRY_SHUTDOWN_GRACE", "30s", 0, maxGrace,
		"how long a stop waits for calls in flight", func(c *Config) *time.Duration { return &c.ShutdownGrace }),
	size("max_body", "BELFRY_MAX_BODY", "1MiB", minBody, maxBody, "largest request body",
		func(c *Config) *int64 { return &c.MaxBody }),
	size("max_import", "BELFRY_MAX_IMPORT", "64MiB", minImport, maxImport, "largest import body",
		func(c *Config) *int64 { return &c.MaxImport }),
	{Key: "egress", Env: "BELFRY_EGRESS", Flag: "egress", Kind: "mode", Default: string(egress.Private),
		Usage: "addresses that may be called: private or public",
		set:   setEgress, get: func(c *Config) string { return string(c.Egress) }},
	rules("egress_allow", "BELFRY_EGRESS_ALLOW", "exceptions that public may call: CIDR, name, :port",
		egress.ParseAllow, func(c *Config) *egress.Rules { return &c.EgressAllow }),
	rules("egress_deny", "BELFRY_EGRESS_DENY", "targets that may not be called; takes precedence over egress_allow",
		egress.ParseRules, func(c *Config) *egress.Rules { return &c.EgressDeny }),
	{Key: "egress_ca_file", Env: "BELFRY_EGRESS_CA_FILE", Flag: "egress-ca-file", Kind: "file",
		Usage: "PEM file of authorities to trust in addition to the system's",
		set:   setCAFile, get: func(c *Config) string { return c.EgressCAFile }},
	on(boolean("http2", "BELFRY_HTTP2", "call https targets by HTTP/2 where they offer it",
		func(c *Config) *bool { return &c.HTTP2 })),
	on(boolean("prepare", "BELFRY_PREPARE", "open connections half a second before fires are due",
		func(c *Config) *bool { return &c.Prepare })),
	file("zoneinfo", "BELFRY_ZONEINFO", "replaces the embedded time zone data: a zoneinfo.zip or a folder",
		func(c *Config) *string { return &c.Zoneinfo }),
	{Key: "client_certificates", Kind: kindCertificates,
		Usage: "certificates that jobs may present to their targets: a table of names, each with cert, key and " +
			"namespaces",
		set: setClientCertificates, get: getClientCertificates},
	{Key: "signing_secret", Env: "BELFRY_SIGNING_SECRET", Kind: kindSecrets,
		Usage: "secret that signs calls (Standard Webhooks), or two separated by a comma during a rotation",
		set:   setSigningSecrets, get: getSigningSecrets},
	{Key: "signing_undivided", Env: "BELFRY_SIGNING_UNDIVIDED", Kind: kindNames, Default: defaultNamespace,
		Usage: "namespaces whose calls the signing secret itself signs, beside the one derived for the " +
			"namespace; or none",
		set: setSigningUndivided, get: getSigningUndivided},
	{Key: "alert_url", Env: "BELFRY_ALERT_URL", Kind: kindSecrets,
		Usage: "webhooks that are told of failures: http or https URLs, separated by commas",
		set:   setAlertURLs, get: func(c *Config) string { return masked(c.AlertURLs) }},
	{Key: "public_url", Env: "BELFRY_PUBLIC_URL", Flag: "public-url", Kind: "url",
		Usage: "URL of this server for people, in messages and sign-ins",
		set:   setPublicURL, get: func(c *Config) string { return c.PublicURL }},
	{Key: "deadman_url", Env: "BELFRY_DEADMAN_URL", Kind: kindSecrets,
		Usage: "URL to call for as long as jobs are fired: a dead man's switch",
		set:   setDeadmanURL, get: func(c *Config) string { return masked(c.Deadman.URLs) }},
	duration("deadman_interval", "BELFRY_DEADMAN_INTERVAL", "1m", minDeadman, maxDeadman,
		"time between two calls of it", func(c *Config) *time.Duration { return &c.Deadman.Interval }),
	{Key: "oidc_issuer", Env: "BELFRY_OIDC_ISSUER", Flag: "oidc-issuer", Kind: "url",
		Usage: "provider of OpenID Connect by which people sign in to the dashboard",
		set:   setOIDCIssuer, get: func(c *Config) string { return c.OIDC.Issuer }},
	{Key: "oidc_client_id", Env: "BELFRY_OIDC_CLIENT_ID", Flag: "oidc-client-id", Kind: "name",
		Usage: "id of this server at that provider",
		set:   setOIDCClientID, get: func(c *Config) string { return c.OIDC.ClientID }},
	{Key: "oidc_client_secret", Env: "BELFRY_OIDC_CLIENT_SECRET", Kind: kindSecrets,
		Usage: "secret that the provider has given to that client",
		set:   setOIDCClientSecret, get: getOIDCClientSecret},
	file("oidc_client_secret_file", "BELFRY_OIDC_CLIENT_SECRET_FILE", "file that has this secret",
		func(c *Config) *string { return &c.OIDC.ClientSecretFile }),
	{Key: "oidc_scopes", Env: "BELFRY_OIDC_SCOPES", Flag: "oidc-scopes", Kind: kindNames,
		Default: "openid profile email", Usage: "what the provider is asked",
		set: setOIDCScopes, get: func(c *Config) string { return strings.Join(c.OIDC.Scopes, " ") }},
	{Key: "oidc_grants", Env: "BELFRY_OIDC_GRANTS", Flag: "oidc-grants", Kind: kindNames,
		Usage: "what people may do: CLAIM=VALUE:ROLE or CLAIM=VALUE:ROLE:NAMESPACE",
		set:   setOIDCGrants, get: getOIDCGrants},
	{Key: "oidc_name", Env: "BELFRY_OIDC_NAME", Flag: "oidc-name", Kind: "name",
		Usage: "what people call the provider; if empty, the host of oidc_issuer",
		set:   setOIDCName, get: func(c *Config) string { return c.OIDC.Name }},
	once(boolean("reset_watermark", "", "abandon the fires up to now that are not on record, after a wrong clock",
		func(c *Config) *bool { return &c.ResetWatermark })),
}

// on makes a boolean setting true unless it is set.
func on(s Setting) Setting {
	s.Default = "true"
	return s
}

// once makes a setting available only as a flag. In a file it would apply at every start.
func once(s Setting) Setting {
	s.Once = true
	return s
}

// unflagged takes the flag from a setting that belongs to one without a flag.
func unflagged(s Setting) Setting {
	s.Flag = ""
	return s
}

func number(key, env string, def, lo, hi int, usage string, at func(*Config) *int) Setting {
	return Setting{
		Key: key, Env: env, Flag: flagName(key), Kind: "number", Default: strconv.Itoa(def), Usage: usage,
		set: func(c *Config, raw string) string {
			n, err := strconv.Atoi(raw)
			if err != nil || n < lo || n > hi {
				return fmt.Sprintf("must be a whole number from %d to %d", lo, hi)
			}
			*at(c) = n
			return ""
		},
		get: func(c *Config) string { return strconv.Itoa(*at(c)) },
	}
}

func boolean(key, env, usage string, at func(*Config) *bool) Setting {
	return Setting{
		Key: key, Env: env, Flag: flagName(key), Kind: kindBool, Default: "false", Usage: usage,
		set: func(c *Config, raw string) string {
			b, ok := parseBool(raw)
			if !ok {
				return "must be true or false"
			}
			*at(c) = b
			return ""
		},
		get: func(c *Config) string { return strconv.FormatBool(*at(c)) },
	}
}

// parseBool reads true and false as Go writes them, and on and off.
func parseBool(raw string) (value, ok bool) {
	switch strings.ToLower(raw) {
	case "on":
		return true, true
	case "off":
		return false, true
	}
	value, err := strconv.ParseBool(raw)
	return value, err == nil
}

func duration(key, env, def string, lo, hi time.Duration, usage string, at func(*Config) *time.Duration) Setting {
	return Setting{
		Key: key, Env: env, Flag: flagName(key), Kind: "duration", Default: def, Usage: usage,
		set: func(c *Config, raw string) string {
			d, ok := parseDuration(raw)
			if !ok || d < lo || d > hi {
				return fmt.Sprintf("must be a duration from %s to %s, as in 90s, 36h or 30d", formatDuration(lo),
					formatDuration(hi))
			}
			*at(c) = d
			return ""
		},
		get: func(c *Config) string { return formatDuration(*at(c)) },
	}
}

func size(key, env, def string, lo, hi int64, usage string, at func(*Config) *int64) Setting {
	return Setting{
		Key: key, Env: env, Flag: flagName(key), Kind: "size", Default: def, Usage: usage,
		set: func(c *Config, raw string) string {
			n, ok := parseSize(raw)
			if !ok || n < lo || n > hi {
				return fmt.Sprintf("must be a size from %s to %s: a whole number and B, KiB, MiB or GiB",
					formatSize(lo), formatSize(hi))
			}
			*at(c) = n
			return ""
		},
		get: func(c *Config) string { return formatSize(*at(c)) },
	}
}

func file(key, env, usage string, at func(*Config) *string) Setting {
	return Setting{
		Key: key, Env: env, Flag: flagName(key), Kind: "file", Usage: usage,
		set: func(c *Config, raw string) string {
			if msg := badPath(raw); msg != "" {
				return msg
			}
			*at(c) = raw
			return ""
		},
		get: func(c *Config) string { return *at(c) },
	}
}

func setLogLevel(c *Config, raw string) string {
	levels := map[string]slog.Level{
		"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError,
	}
	level, ok := levels[strings.ToLower(raw)]
	if !ok {
		return "must be debug, info, warn or error"
	}
	c.LogLevel = level
	return ""
}

func setEnv(c *Config, raw string) string {
	if raw != string(Development) && raw != string(Production) {
		return "must be development or production"
	}
	c.Env = Env(raw)
	return ""
}
