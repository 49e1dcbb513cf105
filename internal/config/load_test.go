package config

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/egress"
	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
)

const (
	key1 = "0123456789abcdef0123456789abcdef"
	key2 = "fedcba9876543210fedcba9876543210"
)

// places is one load, written down.
type places struct {
	file, dotEnv string // contents
	environ      []string
	flags        []string
}

func (p places) load(t *testing.T) (*Config, error) {
	t.Helper()
	dir := t.TempDir()
	o := Options{DotEnvDir: dir, Environ: p.environ, Flags: flagsOf(t, p.flags...)}
	if p.file != "" {
		o.File = write(t, dir, "belfry.yaml", p.file)
	}
	if p.dotEnv != "" {
		write(t, dir, ".env", p.dotEnv)
	}
	return Load(o)
}

func write(t *testing.T, dir, name, text string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func flagsOf(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	RegisterFlags(fs)
	if err := fs.Parse(args); err != nil {
		t.Fatal(err)
	}
	return fs
}

func mustLoad(t *testing.T, p places) *Config {
	t.Helper()
	c, err := p.load(t)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestDefaultsAreTheDocumentedOnes(t *testing.T) {
	c := mustLoad(t, places{})
	want := &Config{
		Host: "127.0.0.1", Port: 3000, DBPath: "./data/jobs.db", LogLevel: slog.LevelInfo, Env: Production,
		Retention: 30 * 24 * time.Hour, MaxInFlight: 20_000, MaxInFlightPerHost: 18_000,
		MaxConnections: 1_000, MaxConnectionRate: 2_000, ShutdownGrace: 30 * time.Second, MaxBody: 1 << 20,
		Sessions: Sessions{TTL: 12 * time.Hour, Idle: time.Hour}, Deadman: Deadman{Interval: time.Minute},
		Cluster: Cluster{Role: RoleAll}, MaxImport: 64 << 20,
		Egress: egress.Private, HTTP2: true, Prepare: true, SigningUndivided: []string{"default"},
		OIDC: OIDC{Scopes: []string{"openid", "profile", "email"}},
	}
	c.sources = nil
	if diff := cmp.Diff(want, c, cmp.AllowUnexported(Config{})); diff != "" {
		t.Error(diff)
	}
	if got := c.Address(); got != "127.0.0.1:3000" {
		t.Errorf("Address() = %s", got)
	}
}

// Encryption keys: 32 bytes in base64.
const (
	sealKey1 = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
	sealKey2 = "IAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8="
)

// samples holds a value of each setting that is not the default, one per place.
var samples = map[string][4]string{
	"host":        {"127.0.0.2", "127.0.0.3", "127.0.0.4", "::1"},
	"port":        {"3001", "3002", "3003", "3004"},
	"unix_socket": {"a.sock", "b.sock", "c.sock", "d.sock"},
	"db_path":     {"a.db", "b.db", "c.db", "d.db"},
	"database_url": {"postgres://a@h/d", "postgresql://h:5433/d?sslmode=require", "postgres://b@h/d?sslmode=disable",
		"postgres://a@/d?host=/run/postgresql"},
	"database_url_file":      {"a.url", "b.url", "c.url", "d.url"},
	"node_name":              {"a", "b.example:3000", "c", "d"},
	"advertise":              {"http://a:1", "https://b", "http://10.0.0.7:3000", "http://[::1]:3000"},
	"role":                   {"api", "scheduler", "all", "api"},
	"log_level":              {"debug", "warn", "error", "debug"},
	"log_dir":                {"a", "b", "c", "d"},
	"db_verbose":             {"true", "true", "true", "true"},
	"env":                    {"development", "development", "development", "development"},
	"api_keys":               {key1, key2, key1 + "," + key2, ""},
	"encryption_key":         {sealKey1, sealKey2, sealKey1 + "," + sealKey2, ""},
	"short_api_keys":         {"true", "true", "true", "true"},
	"trusted_proxies":        {"10.0.0.0/8", "192.0.2.1", "10.0.0.0/8, ::1", "2001:db8::/32"},
	"insecure_no_auth":       {"true", "true", "true", "true"},
	"rate_limit":             {"1", "2", "3", "4"},
	"session_ttl":            {"1m", "2h", "3d", "30d"},
	"session_idle":           {"5m", "6h", "7d", "8d"},
	"max_connections":        {"11", "12", "13", "14"},
	"max_connection_rate":    {"101", "102", "103", "104"},
	"retention":              {"2d", "3d", "36h", "5d"},
	"max_in_flight":          {"101", "102", "103", "104"},
	"max_in_flight_per_host": {"11", "12", "13", "14"},
	"shutdown_grace":         {"1s", "2m", "3s", "1h"},
	"max_body":               {"2KiB", "3KiB", "4000B", "5KiB"},
	"max_import":             {"2MiB", "3MiB", "4MiB", "1GiB"},
	"egress":                 {"public", "public", "public", "public"},
	"egress_allow":           {"10.0.0.0/8", "a.test", "*.a.test, :80", "[::1]:80"},
	"egress_deny":            {"10.0.0.0/8", "a.test", "*.a.test, :80", "[::1]:80"},
	"egress_ca_file":         {"a.pem", "b.pem", "c.pem", "d.pem"},
	"http2":                  {"false", "false", "false", "false"},
	"prepare":                {"false", "false", "false", "false"},
	"zoneinfo":               {"a.zip", "b.zip", "c.zip", "d.zip"},
	"client_certificates":    {`{"a":{"cert":"c","key":"k","namespaces":["pay"]}}`, "", "", ""},
	"alert_url":              {"https://a.example/1", "https://b.example/2", "http://c.example", "https://d.example"},
	"public_url":             {"https://a.example", "https://b.example", "http://c.example:3000", "https://d.example"},
	"oidc_issuer":            {"https://a.example", "https://b.example/", "http://localhost:1", "https://d.example/x"},
	"oidc_client_id":         {"a", "b", "c", "d"}, "oidc_client_secret": {"a", "b", "c", ""},
	"oidc_client_secret_file": {"a.txt", "b.txt", "c.txt", "d.txt"},
	"oidc_scopes":             {"openid a", "openid b", "openid c", "openid d"},
	"oidc_grants":             {"g=a:admin", "g=b:admin", "g=c:admin", "g=d:admin"},
	"oidc_name":               {"A", "B", "C", "D"},
	"signing_secret":          {signing1, signing2, signing1 + "," + signing2, ""},
	"signing_undivided":       {"none", "default, pay", "pay", ""},
	"reset_watermark":         {"", "", "", "true"},
	"deadman_url":             {"https://a.example", "https://b.example", "http://c.example", "https://d.example"},
	"deadman_interval":        {"10s", "20s", "30s", "40s"},
}

// needsServer has the settings that are refused beside a database of files.
var needsServer = map[string]bool{"node_name": true, "advertise": true, "role": true}

// TestPrecedence adds the sources one by one, for every setting: the last one with a
// value wins, and Describe says so.
func TestPrecedence(t *testing.T) {
	for _, s := range Settings() {
		t.Run(s.Key, func(t *testing.T) {
			if s.Key == "tls_cert" || s.Key == "tls_key" {
				return // one needs the other: TestCertificateAndKey
			}
			values, ok := samples[s.Key]
			if !ok {
				t.Fatal("the setting has no sample values")
			}
			var p places
			if needsServer[s.Key] {
				p.environ = []string{"DATABASE_URL=postgres://a@h/d"}
			}
			if strings.HasPrefix(s.Key, "oidc_") {
				p.environ = besides(s.Env)
			}
			if !s.Once {
				p.file = fmt.Sprintf("%s: %q\n", s.Key, values[0])
				expect(t, p, s, FromFile, values[0])
			}
			if s.Env != "" {
				p.dotEnv = fmt.Sprintf("%s=%q\n", s.Env, values[1])
				expect(t, p, s, FromDotEnv, values[1])
				p.environ = append(p.environ, s.Env+"="+values[2])
				expect(t, p, s, FromEnvironment, values[2])
			}
			if s.Flag != "" {
				p.flags = []string{"--" + s.Flag + "=" + values[3]}
				expect(t, p, s, FromFlag, values[3])
			}
		})
	}
}

func expect(t *testing.T, p places, s Setting, from SourceKind, value string) {
	t.Helper()
	for _, e := range mustLoad(t, p).Describe() {
		if e.Key != s.Key {
			continue
		}
		if s.Kind == kindSecrets {
			value = fmt.Sprintf("%s (%d)", mask, strings.Count(value, ",")+1)
		}
		if e.Value != value || e.Source.Kind != from {
			t.Errorf("%s = %q from %s, want %q from %d", s.Key, e.Value, e.Source, value, from)
		}
	}
}

func TestSampleIsTheSourceItSays(t *testing.T) {
	c := mustLoad(t, places{environ: []string{"PORT=1"}, flags: []string{"--host=::1"}, dotEnv: "LOG_DIR=x"})
	got := map[string]string{}
	for _, e := range c.Describe() {
		got[e.Key] = e.Source.String()
	}
	for key, want := range map[string]string{
		"port": "environment PORT", "host": "flag --host", "db_path": "default",
	} {
		if got[key] != want {
			t.Errorf("source of %s is %q, want %q", key, got[key], want)
		}
	}
	if !strings.HasSuffix(got["log_dir"], ".env LOG_DIR") {
		t.Errorf("source of log_dir is %q", got["log_dir"])
	}
}

func TestKeysOpenTheHostUnlessItIsSet(t *testing.T) {
	keys := []string{"BELFRY_API_KEYS=" + key1 + ", " + key2}
	for _, tc := range []struct {
		p    places
		host string
	}{
		{places{environ: keys}, "0.0.0.0"},
		{places{environ: append(keys, "HOST=127.0.0.1")}, "127.0.0.1"},
		{places{file: "api_keys: [" + key1 + ", " + key2 + "]"}, "0.0.0.0"},
		{places{flags: []string{"--insecure-no-auth"}}, "127.0.0.1"},
		{places{flags: []string{"--insecure-no-auth", "--host=0.0.0.0"}}, "0.0.0.0"},
		{places{flags: []string{"--host=LOCALHOST"}}, "LOCALHOST"},
		{places{flags: []string{"--host=127.9.9.9"}}, "127.9.9.9"},
		{places{flags: []string{"--host=::ffff:127.0.0.1"}}, "::ffff:127.0.0.1"},
	} {
		if c := mustLoad(t, tc.p); c.Host != tc.host {
			t.Errorf("%+v: host %s, want %s", tc.p, c.Host, tc.host)
		}
	}
}

// TestExposed: the error for a server without any key says what to do.
func TestExposed(t *testing.T) {
	for _, tc := range []struct {
		p    places
		want string // the start of the refusal; empty: none
	}{
		{places{}, ""},
		{places{environ: []string{"HOST=localhost"}}, ""},
		{places{environ: []string{"HOST=::1"}}, ""},
		{places{flags: []string{"--insecure-no-auth", "--host=0.0.0.0"}}, ""},
		{places{environ: []string{"HOST=0.0.0.0"}}, "HOST=0.0.0.0 (environment): without an API key"},
		{places{flags: []string{"--host=example.com"}}, "--host=example.com (flag): without an API key"},
		{places{environ: []string{"HOST=::"}}, "HOST=:: (environment): without an API key"},
	} {
		err := mustLoad(t, tc.p).Exposed()
		if tc.want == "" {
			if err != nil {
				t.Errorf("%+v: %v", tc.p, err)
			}
			continue
		}
		if err == nil || !strings.HasPrefix(err.Error(), tc.want) {
			t.Fatalf("%+v: %v", tc.p, err)
		}
		for _, way := range []string{"belfry keys create", "BELFRY_API_KEYS", "--insecure-no-auth"} {
			if !strings.Contains(err.Error(), way) {
				t.Errorf("%s does not name %s", err, way)
			}
		}
	}
}

func TestCertificateAndKey(t *testing.T) {
	c := mustLoad(t, places{environ: []string{"BELFRY_TLS_CERT=a.pem"}, flags: []string{"--tls-key=b.pem"}})
	if c.TLSCert != "a.pem" || c.TLSKey != "b.pem" {
		t.Errorf("%q, %q", c.TLSCert, c.TLSKey)
	}
	for want, p := range map[string]places{
		"BELFRY_TLS_CERT=a.pem (environment): needs tls_key beside it": {environ: []string{"BELFRY_TLS_CERT=a.pem"}},
		"--tls-key=b.pem (flag): needs tls_cert beside it":             {flags: []string{"--tls-key=b.pem"}},
	} {
		if _, err := p.load(t); err == nil || err.Error() != want {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

func TestNodeEnvIsReadWhereAppEnvIsAbsent(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    places
		want Env
	}{
		{"development", places{environ: []string{"NODE_ENV=development"}}, Development},
		{"any other value is production", places{environ: []string{"NODE_ENV=test"}}, Production},
		{"APP_ENV wins", places{environ: []string{"NODE_ENV=development", "APP_ENV=production"}}, Production},
		{"APP_ENV of .env wins", places{environ: []string{"NODE_ENV=development"}, dotEnv: "APP_ENV=production"},
			Production},
		{"environment over .env", places{environ: []string{"NODE_ENV=production"}, dotEnv: "NODE_ENV=development"},
			Production},
		{"over the file", places{environ: []string{"NODE_ENV=development"}, file: "env: production"}, Development},
		{"under the flag", places{environ: []string{"NODE_ENV=development"}, flags: []string{"--env=production"}},
			Production},
	} {
		if c := mustLoad(t, tc.p); c.Env != tc.want {
			t.Errorf("%s: %s", tc.name, c.Env)
		}
	}
}

func TestOtherVariablesAreIgnored(t *testing.T) {
	mustLoad(t, places{
		dotEnv: "# of another program\nPGDATABASE=x\nexport OTHER='multi\nline'\n",
		environ: []string{
			"HOME=/root", "PORT=", "BELFRY_RETENTION=", "BELFRY_UNKNOWN=", "=C:=x", "A.B=1", "A=2", "novalue",
			"BELFRY_SERVER=http://x", "BELFRY_API_KEY=short",
			"BELFRY_SERVICE_HOST=10.0.0.1", "BELFRY_SERVICE_PORT_HTTP=3000", "BELFRY_PORT=tcp://10.0.0.1:3000",
			"BELFRY_PORT_3000_TCP=tcp://10.0.0.1:3000", "BELFRY_PORT_3000_TCP_ADDR=10.0.0.1",
		},
		file: "log_dir:\n",
	})
}

// TestMarks: editors and shells of Windows write a byte order mark.
func TestMarks(t *testing.T) {
	utf16 := "\xff\xfe" + strings.Join(strings.Split("port: 4001\n", ""), "\x00") + "\x00"
	for name, p := range map[string]places{
		".env":                 {dotEnv: "\ufeffPORT=4001\r\n"},
		"file":                 {file: "\ufeffport: 4001\r\n"},
		"file in UTF-16":       {file: utf16},
		"begin of a document":  {file: "# ours\n---\nport: 4001\n"},
		"begin and end of one": {file: "%YAML 1.1\n---\nport: 4001\n...\n"},
	} {
		if c := mustLoad(t, p); c.Port != 4001 {
			t.Errorf("%s: port %d", name, c.Port)
		}
	}
	if c := mustLoad(t, places{file: "# nothing yet\n"}); c.Port != defaultPort {
		t.Errorf("an empty file: port %d", c.Port)
	}
}

func TestConfigFileFromTheEnvironment(t *testing.T) {
	path := write(t, t.TempDir(), "c.yaml", "port: 4001")
	c, err := Load(Options{Environ: []string{"BELFRY_CONFIG=" + path}})
	if err != nil || c.Port != 4001 {
		t.Errorf("port %v, %v", c, err)
	}
	if c := mustLoad(t, places{dotEnv: "BELFRY_CONFIG=" + path}); c.Port != 4001 {
		t.Errorf("port %d by .env", c.Port)
	}
	if c := mustLoad(t, places{file: "port: 4002", environ: []string{"BELFRY_CONFIG=" + path}}); c.Port != 4002 {
		t.Errorf("port %d, want the one of the named file", c.Port)
	}
}

func TestDotEnvMayBeAFolder(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, ".env"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(Options{DotEnvDir: dir}); err != nil {
		t.Error(err)
	}
}

func TestHostShare(t *testing.T) {
	for all, want := range map[string]int{"1": 1, "2": 1, "10": 9, "99": 89, "1000000": 900_000} {
		if c := mustLoad(t, places{flags: []string{"--max-in-flight=" + all}}); c.MaxInFlightPerHost != want {
			t.Errorf("of %s calls one host may take %d, want %d", all, c.MaxInFlightPerHost, want)
		}
	}
}

func TestVariables(t *testing.T) {
	dir := t.TempDir()
	write(t, dir, ".env", "BELFRY_SERVER=http://a\nBELFRY_API_KEY=k\nPORT=1\n")
	got, err := Variables(dir, []string{"BELFRY_SERVER=http://b", "PORT=", "X=y=z", "novalue"})
	want := map[string]string{"BELFRY_SERVER": "http://b", "BELFRY_API_KEY": "k", "PORT": "1", "X": "y=z"}
	if err != nil || !cmp.Equal(got, want) {
		t.Errorf("%v, %v", got, err)
	}
	write(t, dir, ".env", "no line")
	if _, err := Variables(dir, nil); err == nil {
		t.Error("a broken .env was taken")
	}
}
