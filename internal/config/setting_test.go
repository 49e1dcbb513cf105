package config

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// accepts sets one setting by its source of highest precedence, and returns the printed
// value or the error.
func accepts(t *testing.T, s *Setting, raw string) (string, error) {
	t.Helper()
	p := places{}
	switch {
	case s.Flag != "":
		p.flags = []string{"--" + s.Flag + "=" + raw}
	case s.Env == "":
		p.file = fmt.Sprintf("%s: %q\n", s.Key, raw)
	default:
		p.environ = []string{s.Env + "=" + raw}
	}
	if s.Key == "max_in_flight_per_host" { // judged beside the other one
		p.flags = append(p.flags, fmt.Sprintf("--max-in-flight=%d", maxInFlightLimit))
	}
	if needsServer[s.Key] {
		p.environ = []string{"DATABASE_URL=postgres://a@h/d"}
	}
	if strings.HasPrefix(s.Key, "oidc_") {
		p.environ = append(p.environ, besides(s.Env)...)
	}
	if s.Key == "host" {
		p.flags = append(p.flags, "--insecure-no-auth")
	}
	if s.Key == "max_body" {
		p.flags = append(p.flags, "--max-import="+formatSize(maxImport))
	}
	if s.Key == "max_import" {
		p.flags = append(p.flags, "--max-body="+formatSize(minBody))
	}
	c, err := p.load(t)
	if err != nil {
		return "", err
	}
	return s.get(c), nil
}

// TestGoodValues lists for every setting which values are accepted, and how they are
// printed. The limits themselves are accepted.
func TestGoodValues(t *testing.T) {
	for key, values := range map[string]map[string]string{
		"host": {
			"0.0.0.0": "0.0.0.0", "::": "::", "fe80::1%eth0": "fe80::1%eth0", "localhost": "localhost",
			"my-host.example.com": "my-host.example.com", "belfry_1": "belfry_1", "a": "a", "1a": "1a",
			strings.Repeat("a", 253): strings.Repeat("a", 253),
		},
		"port":                   {"0": "0", "65535": "65535", "+80": "80", "080": "80"},
		"db_path":                {"x": "x", "/a/b c.db": "/a/b c.db", "data.d/ü": "data.d/ü"},
		"log_level":              {"DEBUG": "debug", "Info": "info", "warn": "warn", "error": "error"},
		"log_dir":                {"": "", "/var/log/belfry/": "/var/log/belfry/"},
		"db_verbose":             {"true": "true", "1": "true", "F": "false"},
		"env":                    {"development": "development", "production": "production"},
		"insecure_no_auth":       {"false": "false", "0": "false"},
		"retention":              {"1d": "1d", "24h": "1d", "3650d": "3650d", "1d1h": "25h", "36h": "36h"},
		"max_in_flight":          {"1": "1", "1000000": "1000000"},
		"max_in_flight_per_host": {"0": "900000", "1": "1", "1000000": "1000000"},
		"shutdown_grace":         {"0": "0s", "1h": "1h", "1500ms": "1.5s"},
		"max_body":               {"1024": "1KiB", "64MiB": "64MiB", "1025": "1025B"},
		"max_import":             {"1MiB": "1MiB", "1GiB": "1GiB"},
		"egress":                 {"private": "private", "public": "public"},
		"egress_allow": {"": "", "10.0.0.0/8,a.test": "10.0.0.0/8, a.test",
			"*.a.test:80-90": "*.a.test:80-90", "169.254.7.7": "169.254.7.7"},
		"egress_deny":    {":25 [::1]:80": ":25, [::1]:80", "169.254.0.0/16": "169.254.0.0/16"},
		"egress_ca_file": {"": "", "/etc/ca.pem": "/etc/ca.pem"},
		"http2":          {"true": "true", "0": "false"},
		"prepare":        {"on": "true", "Off": "false", "false": "false"},
		"zoneinfo":       {"": "", "/usr/share/zoneinfo": "/usr/share/zoneinfo"},
		"client_certificates": {
			"":                              "",
			"{}":                            "",
			`{"b":{"key":"k&","cert":"c"}}`: `{"b":{"cert":"c","key":"k&","namespaces":["default"]}}`,
			`{"b":{"cert":"c","key":"k","namespaces":["*"]},"A.1_x-":{"cert":"/d ` +
				`e/f","key":"k","namespaces":["p-1"]}}`: "" +
				`{"A.1_x-":{"cert":"/d e/f","key":"k","namespaces":["p-1"]},"b":{"cert":"c","key":"k",` +
				`"namespaces":["*"]}}`,
		},
		"signing_undivided": {"none": "none", "pay,default": "pay, default", " pay , a-1": "pay, a-1"},
		"reset_watermark":   {"true": "true"},
	} {
		s := settingOf(key)
		for raw, want := range values {
			if got, err := accepts(t, s, raw); err != nil || got != want {
				t.Errorf("%s=%q is %q (%v), want %q", key, raw, got, err, want)
			}
		}
	}
}

// TestBadValues lists what is just outside.
func TestBadValues(t *testing.T) {
	for key, values := range map[string][]string{
		"host": {"", " ", "a b", "-a", "a-", "a..b", ".a", "a/b", "http://a", "*", "[::1]", "1.2.3",
			"8080", strings.Repeat("a", 254)},
		"port":                   {"", "-1", "65536", "1.5", "0x50", "80 ", "9999999999999999999"},
		"db_path":                {"", "a/", "file:a", ":memory:", "a\x00"},
		"log_level":              {"", "trace", "info "},
		"db_verbose":             {"", "yes", "2"},
		"env":                    {"", "Production", "test"},
		"retention":              {"", "23h59m", "3651d", "-1d", "forever", "0"},
		"max_in_flight":          {"", "0", "1000001", "20k"},
		"max_in_flight_per_host": {"", "-1", "1000001"},
		"shutdown_grace":         {"", "-1s", "61m", "30"},
		"max_body":               {"", "1023", "65MiB", "1MB"},
		"max_import":             {"", "1023KiB", "2GiB"},
		"egress":                 {"", "Public", "none"},
		"egress_ca_file":         {"a\x00"},
		"http2":                  {"", "h2"},
		"prepare":                {"", "no", "half"},
		"zoneinfo":               {"a\x00"},
		"client_certificates": {
			"x", "[]", `{"a":"b"}`, `{"a":{"cert":"c"}}`, `{"a":{"key":"k"}}`, `{"":{"cert":"c","key":"k"}}`,
			`{"a b":{"cert":"c","key":"k"}}`,
			`{"a":{"cert":"c","key":"k","x":1}}`, `{"a":{"cert":"c","key":"k"}} {}`, `{".a":{"cert":"c","key":"k"}}`,
			`{"a":{"cert":"c","key":"k","namespaces":[]}}`, `{"a":{"cert":"c","key":"k","namespaces":"pay"}}`,
			`{"a":{"cert":"c","key":"k","namespaces":["Pay"]}}`, `{"a":{"cert":"c","key":"k","namespaces":[""]}}`,
		},
		"signing_undivided": {"*", "Pay", "pay,", "pay,*", "a b"},
		"egress_allow":      {"10.0.0.1/8", "a b/c", "169.254.169.254", "169.254.0.0/16"},
		"egress_deny":       {"http://a", ":0"},
	} {
		s := settingOf(key)
		for _, raw := range values {
			if got, err := accepts(t, s, raw); err == nil {
				t.Errorf("%s=%q was taken as %q", key, raw, got)
			} else if !strings.Contains(err.Error(), "must ") {
				t.Errorf("%s=%q: %v does not say what would be right", key, raw, err)
			}
		}
	}
}

// TestPrintedValuesAreGoodValues: what `config check` prints can be put into a
// file again.
func TestPrintedValuesAreGoodValues(t *testing.T) {
	for _, s := range Settings() {
		if s.Kind == kindSecrets {
			continue
		}
		for _, raw := range samples[s.Key] {
			if raw == "" {
				continue
			}
			first, err := accepts(t, &s, raw)
			if err != nil {
				t.Fatal(err)
			}
			if again, err := accepts(t, &s, first); err != nil || again != first {
				t.Errorf("%s=%q is printed as %q, which is read as %q (%v)", s.Key, raw, first, again, err)
			}
		}
	}
}

func TestAPIKeys(t *testing.T) {
	keys := func(n int) string {
		all := make([]string, n)
		for i := range all {
			all[i] = fmt.Sprintf("a-key-that-is-long-enough-%06d", i)
		}
		return strings.Join(all, ",")
	}
	for name, tc := range map[string]struct{ raw, fault string }{
		"shortest":    {strings.Repeat("k", safeKeyLength), ""},
		"one shorter": {strings.Repeat("k", safeKeyLength-1), "key 1 has 31 characters: must be 32 or more"},
		"the second": {key1 + "," + strings.Repeat("k", minKeyLength),
			"key 2 has 16 characters: must be 32 or more"},
		"longest":        {strings.Repeat("k", maxKeyLength), ""},
		"too short":      {strings.Repeat("k", minKeyLength-1), "key 1 has 15 characters"},
		"too long":       {strings.Repeat("k", maxKeyLength+1), "key 1 has 257 characters"},
		"whole alphabet": {"azAZ09-._~+/azAZ09azAZ09-._~+/azAZ09==", ""},
		"equals inside":  {"azAZ=09-._~+/azAZ09", "key 1 holds a character"},
		"quotes":         {`"0123456789abcdef"`, "key 1 holds a character"},
		"umlaut":         {"0123456789abcdefü", "key 1 holds a character"},
		"comma at end":   {key1 + ",", "key 2 has 0 characters"},
		"spaces around":  {"  " + key1 + " ,\t" + key2 + " ", ""},
		"the most":       {keys(maxKeys), ""},
		"one more":       {keys(maxKeys + 1), "must be at most 64 keys"},
	} {
		c, err := places{environ: []string{"BELFRY_API_KEYS=" + tc.raw}}.load(t)
		switch {
		case tc.fault == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.fault == "" && len(c.APIKeys) != strings.Count(tc.raw, ",")+1:
			t.Errorf("%s: %d keys", name, len(c.APIKeys))
		case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
			t.Errorf("%s: %v, want %s", name, err, tc.fault)
		}
	}
	c := mustLoad(t, places{environ: []string{"BELFRY_API_KEYS= " + key1 + " , " + key2}})
	if c.APIKeys[0].Reveal() != key1 || c.APIKeys[1].Reveal() != key2 {
		t.Error("the spaces are part of the keys")
	}
}

// TestShortAPIKeys: a setting accepts them for now, and then they are told.
func TestShortAPIKeys(t *testing.T) {
	short := strings.Repeat("k", minKeyLength)
	c := mustLoad(t, places{environ: []string{"BELFRY_SHORT_API_KEYS=true", "BELFRY_API_KEYS=" + key1 + "," + short}})
	if w := c.ShortKeysWarning(); !strings.Contains(w, "key 2 of BELFRY_API_KEYS has 16 characters") ||
		!strings.Contains(w, "BELFRY_SHORT_API_KEYS") || strings.Contains(w, short) {
		t.Errorf("the warning is %q", w)
	}
	c = mustLoad(t, places{environ: []string{"BELFRY_SHORT_API_KEYS=true", "BELFRY_API_KEYS=" + key1}})
	if w := c.ShortKeysWarning(); w != "" {
		t.Errorf("without a short key: %q", w)
	}
	if safeKeyLength != 32 {
		t.Error("access.SafeKeyLength and the documents say 32")
	}
	_, err := places{environ: []string{"BELFRY_SHORT_API_KEYS=true", "BELFRY_API_KEYS=" + short[1:]}}.load(t)
	if err == nil || !strings.Contains(err.Error(), "key 1 has 15 characters") {
		t.Errorf("even shorter: %v", err)
	}
}

func TestTrustedProxies(t *testing.T) {
	for raw, want := range map[string]string{
		"10.0.0.0/8": "10.0.0.0/8", " 192.0.2.1 ,::1": "192.0.2.1, ::1", "::ffff:192.0.2.1": "192.0.2.1",
		"192.0.2.1/32": "192.0.2.1", "2001:db8::/32": "2001:db8::/32",
		"0.0.0.0/0": "everybody", "::/0": "everybody", "10.0.0.1/8": "must be 10.0.0.0/8, not 10.0.0.1/8",
		"proxy.internal": "is neither", "10.0.0.1:80": "is neither", "10.0.0.0/33": "is neither",
		"fe80::1%eth0": "is neither",
		"10.0.0.1,":    "is neither", "::ffff:10.0.0.0/104": "in its own form",
		strings.Repeat("10.0.0.1,", maxProxies) + "10.0.0.2": "must be at most 64",
	} {
		c, err := places{environ: []string{"BELFRY_TRUSTED_PROXIES=" + raw}}.load(t)
		if err == nil && getTrustedProxies(c) != want || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", raw, err, want)
		}
	}
	c := mustLoad(t, places{file: "trusted_proxies: [10.0.0.0/8, 192.0.2.1]"})
	if got := getTrustedProxies(c); got != "10.0.0.0/8, 192.0.2.1" {
		t.Errorf("a list of a file: %s", got)
	}
}

// TestYAMLValues: a value means what it looks like, quoted or not.
func TestYAMLValues(t *testing.T) {
	for doc, want := range map[string]string{
		"port: 8080":            "8080",
		"port: '8080'":          "8080",
		`port: "8080"`:          "8080",
		"port: 8080 # as usual": "8080",
		"port:":                 "3000",
		"port: ~":               "3000",
		"port: 0x1f":            "31",
		"---\nport: 8080\n":     "8080",
		"# nothing\n":           "3000",
	} {
		c := mustLoad(t, places{file: doc})
		if got := settingOf("port").get(c); got != want {
			t.Errorf("%q: port %s, want %s", doc, got, want)
		}
	}
	for _, doc := range []string{"port: 80.5", "port: true", "port: {a: 1}", "port: [80]", "port: 2026-01-01",
		"db_verbose: yes", "\tport: 1", "port: &a [*a]"} {
		if c, err := (places{file: doc}).load(t); err == nil {
			t.Errorf("%q was taken: port %d", doc, c.Port)
		}
	}
}

func TestServiceLinks(t *testing.T) {
	for pair, want := range map[string]bool{
		"BELFRY_SERVICE_HOST=10.0.0.1":           true,
		"BELFRY_SERVICE_PORT=3000":               true,
		"BELFRY_SERVICE_PORT_HTTP=3000":          true,
		"BELFRY_PORT=tcp://10.0.0.1:3000":        true,
		"BELFRY_PORT=udp://10.0.0.1:3000":        true,
		"BELFRY_PORT=3000":                       false,
		"BELFRY_PORT_3000_TCP=tcp://1.1.1.1:1":   true,
		"BELFRY_PORT_3000_TCP_PROTO=tcp":         true,
		"BELFRY_PORT_3000_SCTP=x":                false,
		"BELFRY_SERVICE=1":                       false,
		"BELFRY_PORT_TCP=1":                      false,
		"BELFRY_PORT_3000_TCP_ADDR_X=1":          false,
		"NOT_BELFRY_PORT_3000_TCP_ADDR=10.0.0.1": true, // not ours at all
	} {
		_, err := places{environ: []string{pair}}.load(t)
		if (err == nil) != want {
			t.Errorf("%s: %v", pair, err)
		}
	}
}

// TestLoadsDoNotTouchEachOther: there is no state between loads.
func TestLoadsDoNotTouchEachOther(t *testing.T) {
	p := places{environ: []string{"PORT=1", "BELFRY_API_KEYS=" + key1}, flags: []string{"--retention=2d"}}
	want := mustLoad(t, p).String()
	var loads sync.WaitGroup
	for i := range 8 {
		o := Options{Environ: p.environ, Flags: flagsOf(t, p.flags...)}
		if i%2 == 0 {
			o = Options{Environ: []string{"PORT=2"}}
		}
		loads.Go(func() {
			c, err := Load(o)
			if err != nil || (c.String() == want) != (i%2 == 1) {
				t.Errorf("load %d: %v", i, err)
			}
		})
	}
	loads.Wait()
	if got := mustLoad(t, places{}); got.Port != 3000 || len(got.APIKeys) != 0 {
		t.Errorf("the defaults have changed: %v", got)
	}
	list := Settings()
	list[0].Key = "changed"
	if Settings()[0].Key == "changed" {
		t.Error("Settings gives away its table")
	}
}

// FuzzLoad reads random bytes from every kind of source. Load never panics, a config that
// is returned is valid, and no error shows what may be a key.
func FuzzLoad(f *testing.F) {
	f.Add("port: 1\n", "PORT=2\n", "PORT", "3")
	f.Add("signing_secret: [canary-0123456789]\n", "BELFRY_SIGNING_SECRET=canary", "BELFRY_SIGNING_SECRET", "canary")
	f.Add("api_keys: [canary-0123456789-0123456789-0123456789]\n", "BELFRY_API_KEYS='canary",
		"BELFRY_API_KEYS", "canary")
	f.Add("a: &x [*x]", "A=$A\nB=${A", "NODE_ENV", "x")
	f.Fuzz(func(t *testing.T, file, dotEnv, name, value string) {
		dir := t.TempDir()
		o := Options{File: write(t, dir, "c.yaml", file), DotEnvDir: dir, Environ: []string{name + "=" + value}}
		write(t, dir, ".env", dotEnv)
		c, err := Load(o)
		if err != nil {
			faults, ok := errors.AsType[Errors](err)
			if !ok {
				t.Fatalf("another kind of error: %v", err)
			}
			for _, fault := range faults {
				if fault.Message == "" || (strings.Contains(fault.Source.Name, "API_KEYS") ||
					strings.Contains(fault.Source.Name, "SIGNING")) && fault.Value != "" {
					t.Errorf("a fault without a message, or with a key: %+v", fault)
				}
			}
			return
		}
		if len(c.APIKeys) == 0 && !c.InsecureNoAuth && !loopback(c.Host) {
			t.Errorf("open to everybody: %v", c)
		}
		for _, s := range settings {
			if s.Kind != kindSecrets && s.set(&Config{}, s.get(c)) != "" {
				t.Errorf("%s=%q is no value of it", s.Key, s.get(c))
			}
		}
		if diff := cmp.Diff(len(settings), len(c.Describe())); diff != "" {
			t.Error(diff)
		}
	})
}
