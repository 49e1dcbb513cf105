package app

import (
	"fmt"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/api"
	"github.com/belfry-scheduler/belfry/internal/config"
)

// The API gets every setting, where it is from, and no secret.
func TestSettingsOfTheAPI(t *testing.T) {
	t.Parallel()
	key := strings.Repeat("k", 32)
	cfg, err := config.Load(config.Options{Environ: []string{
		"BELFRY_RETENTION=90d", "BELFRY_API_KEYS=" + key, "DATABASE_URL=postgres://belfry:pass-word@db.example/belfry",
	}})
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]api.Setting{}
	for _, s := range settingsOf(cfg) {
		got[s.Key] = s
	}
	if len(got) != len(config.Settings()) {
		t.Errorf("%d settings of %d", len(got), len(config.Settings()))
	}
	for _, want := range []api.Setting{
		{Key: "retention", Value: "90d", Source: "environment", From: "environment BELFRY_RETENTION", Default: "30d",
			Usage: "how long history is retained", Variable: "BELFRY_RETENTION", Flag: "retention"},
		{Key: "api_keys", Value: "******** (1)", Source: "environment", From: "environment BELFRY_API_KEYS",
			Usage:    "API keys with the role admin, separated by commas, each of 32 characters or more",
			Variable: "BELFRY_API_KEYS", Secret: true},
		{Key: "port", Value: "3000", Source: "default", From: "default", Default: "3000",
			Usage: "TCP port to listen on; 0 picks a free one", Variable: "PORT", Flag: "port"},
	} {
		if got[want.Key] != want {
			t.Errorf("got  %+v\nwant %+v", got[want.Key], want)
		}
	}
	if all := fmt.Sprint(got); strings.Contains(all, key) || strings.Contains(all, "pass-word") {
		t.Errorf("a secret is shown: %s", all)
	}
}
