package app_test

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/app"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// ofTheMachine are the settings of which only a start finds out whether they can be used here.
var ofTheMachine = map[string]bool{"host": true, "port": true, "unix_socket": true, "db_path": true,
	"database_url": true, "database_url_file": true, "log_dir": true}

// besides are settings that others need beside them.
func besides(key string) map[string]any {
	switch {
	case strings.HasPrefix(key, "oidc_"):
		return map[string]any{"public_url": "https://belfry.example", "oidc_issuer": "https://login.example",
			"oidc_client_id": "belfry", "oidc_grants": "groups=ops:admin"}
	case strings.HasPrefix(key, "database_url"):
		return map[string]any{"encryption_key": "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}
	}
	return nil
}

// settingsFile writes a file of settings, one of which has a value.
func settingsFile(t *testing.T, key string, value any, others map[string]any) string {
	t.Helper()
	all := map[string]any{"port": 0, "db_path": filepath.Join(t.TempDir(), "jobs.db")}
	for k, v := range others {
		all[k] = v
	}
	if strings.HasPrefix(key, "database_url") {
		delete(all, "db_path")
	}
	if key == "oidc_scopes" || key == "oidc_grants" || key == "oidc_name" || key == "oidc_issuer" ||
		key == "oidc_client_id" {
		all["oidc_client_secret"] = "hush"
	}
	if key == "tls_cert" || key == "tls_key" {
		all["tls_cert"], all["tls_key"] = value, value
	}
	if all[key] = value; key == "client_certificates" {
		all[key] = map[string]any{"one": map[string]any{"cert": value, "key": value}}
	}
	text, err := json.Marshal(all) // which is YAML
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "belfry.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// Whatever a setting is: where a start refuses it, the check of the settings does, and the other way round.
func TestCheckAndStartAgreeOnEverySetting(t *testing.T) {
	folder := t.TempDir()
	garbage := filepath.Join(folder, "garbage")
	if err := os.WriteFile(garbage, []byte("garbage\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	values := []string{"nonsense", "1", garbage, folder, filepath.Join(folder, "missing"), "slack://hook@webhook",
		"postgres://belfry@db.example/belfry", "postgres://belfry@127.0.0.1:1/belfry?sslmode=nonsense",
		"whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA==", "https://example.com/x", "a=b:c"}
	judged, taken := map[string]int{}, map[string]bool{}
	for _, s := range config.Settings() {
		if s.Once {
			continue
		}
		for _, value := range values {
			cfg, err := config.Load(config.Options{File: settingsFile(t, s.Key, value, besides(s.Key))})
			if err != nil {
				continue // both load them
			}
			refused := app.Judge(cfg)
			if refused != nil {
				judged[s.Key]++
			}
			if refused == nil && (ofTheMachine[s.Key] || taken[s.Key]) || judged[s.Key] > 2 {
				continue // a start takes a tenth of a second, and one with the race detector much more
			}
			taken[s.Key] = taken[s.Key] || refused == nil
			log := &telemetry.Log{Logger: slog.New(slog.NewTextHandler(io.Discard, nil))}
			a, err := app.Open(t.Context(), cfg, log, telemetry.NewMetrics(), "test")
			if err == nil {
				err = a.Close()
				if refused != nil {
					t.Errorf("%s = %s is refused by a check alone: %v", s.Key, value, refused)
				}
			}
			if err != nil && refused == nil {
				t.Errorf("%s = %s is refused by a start alone: %v", s.Key, value, err)
			}
		}
	}
	for _, key := range []string{"database_url", "database_url_file", "tls_cert", "tls_key", "egress_ca_file",
		"client_certificates", "alert_url", "oidc_grants", "oidc_client_secret_file"} {
		if judged[key] == 0 {
			t.Errorf("no value of %s is refused by what a check and a start share: %v", key, judged)
		}
	}
}

// All that is wrong is said at once, and no secret is.
func TestJudgeSaysAll(t *testing.T) {
	cfg, err := config.Load(config.Options{Environ: []string{
		"DATABASE_URL=postgres://belfry:CANARY@db.example/belfry", "BELFRY_TLS_CERT=/missing",
		"BELFRY_TLS_KEY=/missing",
		"BELFRY_ALERT_URL=slack://hook:CANARY@webhook,https://h.example/CANARY,telegram://CANARY@telegram?chats=1",
		"BELFRY_EGRESS_CA_FILE=/missing",
	}})
	if err != nil {
		t.Fatal(err)
	}
	text := fmt.Sprint(app.Judge(cfg))
	for _, want := range []string{"sslmode=verify-full", "openssl rand -base64 32", "egress_ca_file /missing",
		"the TLS certificate cannot be used"} {
		if strings.Count(text, want) != 1 {
			t.Errorf("%q is not there once:\n%s", want, text)
		}
	}
	if strings.Count(text, "BELFRY_ALERT_URL") != 2 || strings.Contains(text, "CANARY") {
		t.Error(text)
	}
	if cfg, err = config.Load(config.Options{}); err != nil || app.Judge(cfg) != nil {
		t.Error(err, app.Judge(cfg))
	}
}
