package api

import (
	"net/http/httptest"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/google/go-cmp/cmp"
)

// TestMeOfKeys: each key is told what it is.
func TestMeOfKeys(t *testing.T) {
	f := newFixture(t)
	keys := ring(t, f, key1)
	h := newAPI(t, f, func(c *Config) { c.Keys = keys })
	soon := f.now() + time.Hour.Milliseconds()
	confined, made, err := keys.Create(t.Context(), domain.APIKey{Name: "CI", Role: domain.RoleEditor,
		Namespace: "billing", ExpiresAt: soon})
	if err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]meBody{
		key1: {Kind: "key", KeyID: "env", Role: domain.RoleAdmin, SignIn: signInBody{Key: true}},
		confined: {Kind: "key", KeyID: made.ID, Name: "CI", Role: domain.RoleEditor, Namespaces: []string{"billing"},
			ExpiresAt: &soon, SignIn: signInBody{Key: true}},
	} {
		var got meBody
		call(t, withKey{h, key}, "GET", "/me", "").into(t, 200, &got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got:\n%s", diff)
		}
	}
	if p := call(t, h, "GET", "/me", "").problem(t, 401); p.SignIn == nil || !p.SignIn.Key {
		t.Errorf("without a key: %+v", p)
	}
	if p := call(t, withKey{h, "wrong"}, "GET", "/jobs", "").problem(t, 401); p.SignIn == nil || !p.SignIn.Key {
		t.Errorf("with a wrong key: %+v", p)
	}
}

// TestMeWithoutKeys: where no key is set, one is anonymous, and may do what the place one comes
// from allows.
func TestMeWithoutKeys(t *testing.T) {
	for local, role := range map[string]domain.Role{
		"127.0.0.1:3000": domain.RoleAdmin, "10.0.0.1:3000": domain.RoleEditor,
	} {
		h := newAPI(t, newFixture(t), func(c *Config) { c.Open = true })
		r := at(httptest.NewRequest("GET", "/me", nil), local)
		r.Host = "localhost"
		w := httptest.NewRecorder()
		h.ServeHTTP(w, r)
		var got meBody
		answer{w.Result(), w.Body.String()}.into(t, 200, &got)
		if diff := cmp.Diff(meBody{Kind: "anonymous", Role: role, Keyless: true}, got); diff != "" {
			t.Errorf("at %s (-want +got):\n%s", local, diff)
		}
	}
}
