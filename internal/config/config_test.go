package config

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/spf13/pflag"
)

// TestNoPrintedFormShowsAKey prints a config in every usual way.
func TestNoPrintedFormShowsAKey(t *testing.T) {
	const canary = "canary-0123456789-0123456789-0123456789"
	c := mustLoad(t, places{environ: []string{"BELFRY_API_KEYS=" + canary, "BELFRY_ENCRYPTION_KEY=" + sealKey1}})
	if c.APIKeys[0].Reveal() != canary || c.EncryptionKeys[0].Reveal() != sealKey1 {
		t.Fatal("Reveal does not give the key")
	}
	var out bytes.Buffer
	for _, h := range []slog.Handler{slog.NewJSONHandler(&out, nil), slog.NewTextHandler(&out, nil)} {
		slog.New(h).Info("start", "config", c, "key", c.APIKeys[0], "keys", c.APIKeys)
	}
	doc, err := json.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	out.Write(doc)
	for _, verb := range []string{"%v", "%+v", "%#v", "%s"} {
		fmt.Fprintf(&out, verb+verb+verb, c, c.APIKeys, c.APIKeys[0])
	}
	fmt.Fprint(&out, c.Describe())
	if strings.Contains(out.String(), canary) || strings.Contains(out.String(), sealKey1) {
		t.Errorf("the key is shown:\n%s", out.String())
	}
	if !strings.Contains(out.String(), "api_keys = ******** (1)") {
		t.Errorf("the number of keys is not shown:\n%s", out.String())
	}
}

// TestEverySettingIsReachable checks the table against itself: names are
// unique, of one style, and derived from each other.
func TestEverySettingIsReachable(t *testing.T) {
	env := regexp.MustCompile(`^(BELFRY_[A-Z0-9_]+|PORT|HOST|DB_PATH|DB_VERBOSE|DATABASE_URL(_FILE)?|LOG_LEVEL|` +
		`LOG_DIR|APP_ENV)$`)
	seen := map[string]bool{}
	for _, s := range Settings() {
		if seen[s.Key] || seen[s.Env] || s.Key == "" || s.Usage == "" || s.Kind == "" {
			t.Errorf("%+v: a name is missing or used twice", s)
		}
		seen[s.Key] = true
		if s.Env != "" {
			seen[s.Env] = true
			if !env.MatchString(s.Env) {
				t.Errorf("%s: variable %s", s.Key, s.Env)
			}
		}
		if s.Flag != "" && s.Flag != flagName(s.Key) {
			t.Errorf("%s: flag --%s", s.Key, s.Flag)
		}
		if s.Kind == kindSecrets && s.Flag != "" {
			t.Errorf("%s: a secret can be seen in the arguments", s.Key)
		}
	}
}

func TestFlagsTellVariableAndDefault(t *testing.T) {
	fs := pflag.NewFlagSet("serve", pflag.ContinueOnError)
	RegisterFlags(fs)
	help := fs.FlagUsages()
	for _, want := range []string{
		`--port number`, "[PORT] (default 3000)", `[BELFRY_RETENTION] (default 30d)`, `--reset-watermark`,
		`[DB_VERBOSE]`,
	} {
		if !strings.Contains(help, want) {
			t.Errorf("help lacks %q:\n%s", want, help)
		}
	}
	if strings.Contains(help, "api-keys") {
		t.Error("there is a flag for secrets")
	}
}

// TestExampleFile holds .env.example at the root against the table: every
// variable is in it with its default, and nothing else of ours.
func TestExampleFile(t *testing.T) {
	data, err := os.ReadFile("../../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^#? ?([A-Z0-9_]+)=(.*)$`).FindAllStringSubmatch(string(data), -1) {
		named[m[1]] = m[2]
	}
	for _, s := range Settings() {
		if s.Env == "" {
			continue
		}
		if value, ok := named[s.Env]; !ok || value != s.Default {
			t.Errorf("%s is %q there (%v), the default is %q", s.Env, value, ok, s.Default)
		}
		delete(named, s.Env)
	}
	for name := range named {
		if strings.HasPrefix(name, prefix) && name != ServerVariable && name != KeyVariable && name != FileVariable {
			t.Errorf("%s is no variable of Belfry", name)
		}
	}
}
