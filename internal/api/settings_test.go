package api

import (
	"net/http/httptest"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/google/go-cmp/cmp"
)

// Only admins see the settings, in the order in which the server has them.
func TestSettingsAreShownToAdmins(t *testing.T) {
	f := newFixture(t)
	keys := ring(t, f, key1)
	h := newAPI(t, f, func(c *Config) { c.Keys = keys })
	var got settingsBody
	call(t, withKey{h, key1}, "GET", "/settings", "").into(t, 200, &got)
	want := settingsBody{[]settingBody{
		{Key: "retention", Value: "2160h", Source: "environment", From: "environment BELFRY_RETENTION", Default: "30d",
			Usage: "how long history is retained", Variable: "BELFRY_RETENTION", Flag: "retention"},
		{Key: "api_keys", Value: "******** (1)", Secret: true, Source: "dotenv", From: "/srv/.env BELFRY_API_KEYS",
			Usage: "API keys", Variable: "BELFRY_API_KEYS"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	for _, role := range []domain.Role{domain.RoleViewer, domain.RoleEditor} {
		text, _, err := keys.Create(t.Context(), domain.APIKey{Name: "x", Role: role})
		if err != nil {
			t.Fatal(err)
		}
		call(t, withKey{h, text}, "GET", "/settings", "").problem(t, 403)
	}
	confined := access.Session{Caller: access.Caller{Role: domain.RoleAdmin, Namespace: "billing"}}
	if _, refusal := within(confined, httptest.NewRequest("GET", "/settings", nil)); refusal == nil {
		t.Error("a confined caller sees the settings")
	}
	if internalPath("/settings") {
		t.Error("a server without clients answers it")
	}
}
