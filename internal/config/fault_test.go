package config

import (
	"errors"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestFaults has one row per fault: the line that the operator reads.
func TestFaults(t *testing.T) {
	for _, tc := range []struct {
		name string
		p    places
		want string // a part of the only line
	}{
		{"unknown key", places{file: "prot: 1"}, `belfry.yaml): is not a setting; did you mean port?`},
		{"unknown nested key", places{file: "server:\n  port: 1"}, "server (file "},
		{"camel case key", places{file: "maxInFlight: 1"}, "did you mean max_in_flight?"},
		{"nothing near", places{file: "colour: red"}, "belfry.yaml): is not a setting"},
		{"flag only", places{file: "reset_watermark: true"}, "can only be the flag --reset-watermark"},
		{"list", places{file: "port: [1, 2]"}, "port (file "},
		{"empty map", places{file: "port: {}"}, "must be a single value"},
		{"twice", places{file: "port: 1\nport: 2"}, `already defined`},
		{"two documents", places{file: "port: 1\n---\nhost: ::1"},
			"belfry.yaml: must be one YAML document: there is a second one after a line `---`"},
		{"the first of two is empty", places{file: "---\n---\nport: 1"}, "must be one YAML document"},
		{"the second of two is empty", places{file: "port: 1\n---\n"}, "must be one YAML document"},
		{"more after the end", places{file: "port: 1\n...\nhost: ::1"}, "did not find expected <document start>"},
		{"the second of two is broken", places{file: "port: 1\n---\nhost: ["}, "must be YAML of the form"},
		{"UTF-16 without a mark", places{file: "p\x00o\x00r\x00t\x00:\x00"},
			"belfry.yaml: must be YAML in UTF-8: it is UTF-16 (little endian)"},
		{"compressed", places{file: "\x1f\x8b\x08\x00\x00"}, "must be YAML in UTF-8: it is compressed with gzip"},
		{".env in UTF-16", places{dotEnv: "\xff\xfeP\x00O\x00R\x00T\x00=\x001\x00"},
			".env: must be lines of NAME=value in UTF-8: it is UTF-16 (little endian)"},
		{".env in UTF-16 without a mark", places{dotEnv: "\x00P\x00O\x00R\x00T\x00=\x001"},
			"it is UTF-16 (big endian)"},
		{"a wrong value behind a mark", places{dotEnv: "\ufeffPORT=x"}, `PORT="x" (`},
		{"no mapping", places{file: "- port"}, "`key: value`: it is not a mapping"},
		{"file too large", places{file: strings.Repeat("# x\n", 20_000)}, "cannot be read: larger than 64KiB"},

		{"unknown variable", places{environ: []string{"BELFRY_RETENSION=1d"}},
			"BELFRY_RETENSION (environment): is not a setting; did you mean BELFRY_RETENTION?"},
		{"prefix too much", places{environ: []string{"BELFRY_PORT=1"}}, "did you mean PORT?"},
		{"unknown in .env", places{dotEnv: "BELFRY_X=1"}, ".env): is not a setting"},
		{"broken .env", places{dotEnv: "PORT=1\nQ='a\nb'\nSECRET HERE\n"},
			".env: must be lines of NAME=value: line 4 is not"},

		{"long broken .env", places{dotEnv: strings.Repeat("A=1\n", mostLines) + "SECRET HERE"},
			".env: must be lines of NAME=value"},

		{"port", places{environ: []string{"PORT=70000"}},
			`PORT="70000" (environment): must be a whole number from 0 to 65535`},
		{"port of .env", places{dotEnv: "PORT=x"}, `PORT="x" (`},
		{"port of the file", places{file: "port: http"}, `port="http" (file `},
		{"port flag", places{flags: []string{"--port=-1"}}, `--port="-1" (flag): must be`},
		{"overridden", places{file: "port: http", flags: []string{"--port=1"}}, `port="http" (file `},
		{"empty flag", places{flags: []string{"--port="}}, `--port="" (flag)`},
		{"long value", places{flags: []string{"--port=" + strings.Repeat("9", 999)}}, `999..."`},
		{"host with port", places{flags: []string{"--host=127.0.0.1:80"}}, "must be an IP address or a host name"},
		{"host of digits", places{flags: []string{"--host=127.0.0"}}, "must be an IP address"},
		{"host in brackets", places{flags: []string{"--host=[::1]"}}, "must be an IP address"},
		{"empty host", places{flags: []string{"--host="}}, "must be an IP address"},
		{"db folder", places{environ: []string{"DB_PATH=data/"}}, "must name a file"},
		{"db in memory", places{environ: []string{"DB_PATH=:memory:"}}, "must be a plain path"},
		{"db uri", places{environ: []string{"DB_PATH=file:x?mode=ro"}}, "must be a plain path"},
		{"log dir", places{flags: []string{"--log-dir=a\x00b"}}, "must be a path"},
		{"level", places{environ: []string{"LOG_LEVEL=loud"}}, "must be debug, info, warn or error"},
		{"env", places{environ: []string{"APP_ENV=test"}}, "must be development or production"},
		{"bool", places{environ: []string{"DB_VERBOSE=ja"}}, "must be true or false"},
		{"retention", places{flags: []string{"--retention=1h"}}, "must be a duration from 1d to 3650d"},
		{"grace", places{flags: []string{"--shutdown-grace=30"}}, "must be a duration from 0s to 1h"},
		{"body", places{flags: []string{"--max-body=1MB"}}, "must be a size from 1KiB to 64MiB"},
		{"in flight", places{flags: []string{"--max-in-flight=0"}}, "from 1 to 1000000"},
		{"per host above all", places{flags: []string{"--max-in-flight=10", "--max-in-flight-per-host=11"}},
			"--max-in-flight-per-host=11 (flag): must be at most max_in_flight, which is 10"},
		{"body above import", places{flags: []string{"--max-body=2MiB", "--max-import=1MiB"}},
			"must be at most max_import, which is 1MiB"},

		{"short key", places{environ: []string{"BELFRY_API_KEYS=" + key1 + ",abc"}},
			"BELFRY_API_KEYS (environment): key 2 has 3 characters"},
		{"same key", places{environ: []string{"BELFRY_API_KEYS=" + key1 + "," + key1}}, "key 2 is there twice"},
		{"key alphabet", places{file: `api_keys: ["0123456789 abcdef"]`}, "key 1 holds a character"},
		{"empty list", places{file: `api_keys: []`}, "key 1 has 0 characters"},
		{"encryption key of no base64", places{environ: []string{"BELFRY_ENCRYPTION_KEY=" + sealKey1 + ",%%%"}},
			"BELFRY_ENCRYPTION_KEY (environment): key 2 must be 32 bytes in base64"},
		{"short encryption key", places{environ: []string{"BELFRY_ENCRYPTION_KEY=c2hvcnQ="}},
			"key 1 must be 32 bytes in base64, as `openssl rand -base64 32`"},
		{"same encryption key", places{environ: []string{"BELFRY_ENCRYPTION_KEY=" + sealKey1 + "," + sealKey1}},
			"key 2 is there twice"},
		{"key and no auth", places{environ: []string{"BELFRY_API_KEYS=" + key1, "BELFRY_INSECURE_NO_AUTH=1"}},
			"contradicts the API keys"},
		{"open with a refused key", places{environ: []string{"BELFRY_API_KEYS=abc", "HOST=0.0.0.0"}},
			"key 1 has 3 characters"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, err := tc.p.load(t)
			if c != nil || err == nil {
				t.Fatalf("accepted: %v", c)
			}
			if got := err.Error(); strings.Contains(got, "\n") || !strings.Contains(got, tc.want) {
				t.Errorf("got  %s\nwant %s", got, tc.want)
			}
		})
	}
}

func TestAllFaultsAtOnceInTheOrderOfThePlaces(t *testing.T) {
	_, err := places{
		file:    "prot: 1\nretention: soon\n",
		dotEnv:  "LOG_LEVEL=loud\n",
		environ: []string{"PORT=x", "BELFRY_Y=1"},
		flags:   []string{"--max-body=1", "--db-verbose=maybe"},
	}.load(t)
	all, ok := errors.AsType[Errors](err)
	if !ok {
		t.Fatal(err)
	}
	var got []string
	for _, f := range all {
		got = append(got, f.Source.Name)
	}
	if want := "prot retention LOG_LEVEL PORT BELFRY_Y db-verbose max-body"; strings.Join(got, " ") != want {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}

func TestUnreadableFiles(t *testing.T) {
	dir := t.TempDir()
	missing := filepath.Join(dir, "none.yaml")
	_, err := Load(Options{File: missing})
	if want := "file " + missing + ": cannot be read: no such file or directory"; err == nil || err.Error() != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	_, err = Load(Options{File: dir})
	if err == nil || !strings.Contains(err.Error(), "cannot be read: is a directory") {
		t.Errorf("a folder as file: %v", err)
	}
}

func TestSuggest(t *testing.T) {
	known := []string{"port", "host", "db_path", "log_level", "max_in_flight"}
	for wrong, want := range map[string]string{
		"ports": "port", "HOST": "host", "dbPath": "db_path", "log-levle": "log_level",
		"maxinflights": "max_in_flight", "zzz": "", "": "", strings.Repeat("p", 200): "",
	} {
		got := suggest(wrong, known)
		if want != "" {
			want = "; did you mean " + want + "?"
		}
		if got != want {
			t.Errorf("suggest(%q) = %q, want %q", wrong, got, want)
		}
	}
}

// TestNoFaultShowsAKey breaks the config in every place that holds the canary.
func TestNoFaultShowsAKey(t *testing.T) {
	const canary = "canary canary canary"
	for _, p := range []places{
		{environ: []string{"BELFRY_API_KEYS=" + canary}},
		{environ: []string{"BELFRY_SIGNING_SECRET=" + canary}},
		{file: "signing_secret: [whsec_" + canary + "]"},
		{dotEnv: "BELFRY_API_KEYS='" + canary + "'"},
		{dotEnv: "BELFRY_API_KEYS " + canary},
		{environ: []string{"BELFRY_ENCRYPTION_KEY=" + canary}},
		{file: "encryption_key: [[" + canary + "]]"},
		{file: "api_keys: " + canary},
		{file: "api_keys: {" + canary + ": 1}"},
		{file: "api_keys: [[" + canary + "]]"},
		{file: canary},
	} {
		_, err := p.load(t)
		if err == nil {
			t.Errorf("%+v accepted", p)
		} else if regexp.MustCompile(canary).MatchString(err.Error()) {
			t.Errorf("%+v: shown in %q", p, err)
		}
	}
}
