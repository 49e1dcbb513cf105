package config

import (
	"runtime"
	"strings"
	"testing"
)

// Paths in the notation of other programs or of a shell are refused, with the right form
// in the error. A valid path is used as it is.
func TestPaths(t *testing.T) {
	const everywhere, database = true, false
	for raw, want := range map[string]struct {
		message string
		every   bool // setting with a path refuses it
	}{
		"postgres://u:p@h/db":              {"not in a database server", everywhere},
		"postgresql://h/db":                {"not in a database server", everywhere},
		"POSTGRES://H/db":                  {"not in a database server", everywhere},
		"mysql://h/db":                     {"not in a database server", everywhere},
		"jdbc:postgresql://h/db":           {"not in a database server", everywhere},
		"jdbc:sqlite:jobs.db":              {"not in a database server", database},
		"mongodb+srv://h/db":               {"not in a database server", everywhere},
		"host=h user=u dbname=d":           {"not in a database server", database},
		"Server=h;Database=d;":             {"not in a database server", database},
		"Data Source=jobs.db;":             {"not in a database server", database},
		"u:p@tcp(h:3306)/d":                {"not in a database server", database},
		"sqlite:///var/lib/jobs.db":        {"that is /var/lib/jobs.db", everywhere},
		"sqlite3://jobs.db":                {"that is jobs.db", everywhere},
		"sqlite:jobs.db":                   {"that is jobs.db", database},
		"file:data/jobs.db?mode=ro":        {"that is data/jobs.db", database},
		"file:///etc/x.pem":                {"that is /etc/x.pem", everywhere},
		"file:":                            {"must be a plain path", database},
		"jobs.db?mode=memory&cache=shared": {"have no options; that is jobs.db", database},
		"jobs.db?_journal_mode=WAL":        {"have no options; that is jobs.db", database},
		":memory:":                         {"not in memory", database},
		"file::memory:":                    {"not in memory", database},
		"sqlite://:memory:":                {"not in memory", everywhere},
		"weird://x":                        {"must be a plain path", everywhere},
		"":                                 {"must name a file", database},
		"data/":                            {"must name a file", database},
		".":                                {"must name a file", database},
		"data/..":                          {"must name a file", database},
		"~":                                {"only shells know ~", everywhere},
		"~/jobs.db":                        {"only shells know ~", everywhere},
		"~belfry/jobs.db":                  {"only shells know ~", everywhere},
		"$HOME/jobs.db":                    {"variables are not replaced", everywhere},
		"${DATA}/jobs.db":                  {"variables are not replaced", everywhere},
		"/var/$NAME/jobs.db":               {"variables are not replaced", everywhere},
		"$(pwd)/jobs.db":                   {"variables are not replaced", everywhere},
		`%APPDATA%\jobs.db`:                {"variables are not replaced", everywhere},
		`"./data/jobs.db"`:                 {"without quotes around it: ./data/jobs.db", everywhere},
		"'jobs.db'":                        {"without quotes around it: jobs.db", everywhere},
		" jobs.db":                         {"space at its beginning", everywhere},
		"jobs.db\n":                        {"line break", everywhere},
		"jobs\x00.db":                      {"control character", everywhere},
		"-----BEGIN PRIVATE KEY-----":      {"not what is in it", everywhere},
		"./data/jobs.db":                   {},
		"/var/lib/belfry/jobs.db":          {},
		"jobs":                             {},
		"a b/ü.db":                         {},
		"./~jobs.db":                       {},
		"cash$.db":                         {},
		"50%.db":                           {},
		"a=b.db":                           {},
		"12:30.db":                         {},
		"what?.db":                         {},
		"../x/jobs.sqlite3":                {},
		"/proc/self/cwd/jobs.db":           {},
		`it's "quoted".db`:                 {},
	} {
		got := setDBPath(new(Config), raw)
		if want.message == "" && got != "" || !strings.Contains(got, want.message) {
			t.Errorf("%q as DB_PATH: %q, want %q", raw, got, want.message)
		}
		if strings.Contains(got, "\n") || strings.Contains(got, "\x00") {
			t.Errorf("%q as DB_PATH: %q is more than a line", raw, got)
		}
		for key, set := range map[string]func(*Config, string) string{
			"log_dir": setLogDir, "egress_ca_file": setCAFile, "tls_cert": settingOf("tls_cert").set,
			"tls_key": settingOf("tls_key").set,
		} {
			if got := set(new(Config), raw); (got != "") != want.every ||
				want.every && !strings.Contains(raw, "://") && !strings.Contains(got, want.message) {
				t.Errorf("%q as %s: %q, want %q", raw, key, got, want.message)
			}
		}
	}
	if runtime.GOOS != "windows" {
		if got := setDBPath(new(Config), `C:\data\jobs.db`); !strings.Contains(got, "one of Windows") {
			t.Errorf("a path of Windows: %q", got)
		}
	}
}

// What is shown of a wrong value holds no password and no key.
func TestWrongPathsAreShownDiscreetly(t *testing.T) {
	const canary = "CANARY"
	for _, raw := range []string{
		"postgres://belfry:CANARY@db.example/belfry", "postgres://belfry:a@CANARY@db.example/belfry",
		"host=h password=CANARY dbname=d",
		"Server=h;Pwd=CANARY;", "belfry:CANARY@tcp(h:3306)/d", "-----BEGIN PRIVATE KEY-----\nCANARY",
		"jdbc:mysql://h/d?password=CANARY",
	} {
		for _, variable := range []string{"DB_PATH", "BELFRY_TLS_KEY", "LOG_DIR"} {
			_, err := Load(Options{Environ: []string{variable + "=" + raw}})
			if err != nil && strings.Contains(err.Error(), canary) {
				t.Errorf("%s: %v", variable, err)
			}
			if err == nil && variable == "DB_PATH" {
				t.Errorf("%s=%s is taken", variable, raw)
			}
		}
	}
}
