package domain

import (
	"crypto/sha256"
	"errors"
	"regexp"
	"strings"
	"testing"
)

func TestRolesCoverEachOther(t *testing.T) {
	for _, tc := range []struct {
		has, need Role
		want      bool
	}{
		{RoleViewer, RoleViewer, true}, {RoleViewer, RoleEditor, false}, {RoleViewer, RoleAdmin, false},
		{RoleEditor, RoleViewer, true}, {RoleEditor, RoleEditor, true}, {RoleEditor, RoleAdmin, false},
		{RoleAdmin, RoleViewer, true}, {RoleAdmin, RoleEditor, true}, {RoleAdmin, RoleAdmin, true},
		{"", RoleViewer, false}, {"root", RoleViewer, false}, {"Admin", RoleViewer, false},
		{RoleAdmin, "", false}, {RoleAdmin, "root", false}, {"", "", false},
	} {
		if got := tc.has.Covers(tc.need); got != tc.want {
			t.Errorf("%q covers %q: %v", tc.has, tc.need, got)
		}
	}
}

func TestKeysAreRandomAndOfOneForm(t *testing.T) {
	form := regexp.MustCompile(`^bel_([a-z2-7]{8})_[A-Z2-7]{26}$`)
	seen := map[string]bool{}
	for range 1_000 {
		text, key := NewAPIKey()
		m := form.FindStringSubmatch(text)
		if len(m) != 2 || m[1] != key.ID || key.Hash != sha256.Sum256([]byte(text)) {
			t.Fatalf("key %q, %+v", text, key)
		}
		if id, err := ParseKeyID(key.ID); id != key.ID || err != nil {
			t.Errorf("id %q: %v", key.ID, err)
		}
		seen[text], seen[key.ID] = true, true
	}
	if len(seen) != 2_000 {
		t.Errorf("%d different keys and ids of 2,000", len(seen))
	}
}

func TestKeyIDsAreNotEchoed(t *testing.T) {
	text, _ := NewAPIKey()
	for _, wrong := range []string{text, "", "short", "AAAAAAAA", "aaaaaaa1", "aaaaaaaaa"} {
		_, err := ParseKeyID(wrong)
		if ErrorCode(err) != CodeInvalid || wrong != "" && strings.Contains(err.Error(), wrong) {
			t.Errorf("%q: %v", wrong, err)
		}
		if e, ok := errors.AsType[*Error](err); !ok || e.Fields[0].Value != nil {
			t.Errorf("%q is echoed", wrong)
		}
	}
}

func TestKeyValidate(t *testing.T) {
	good := APIKey{Name: "CI", Role: RoleEditor, CreatedAt: 1_000, ExpiresAt: 2_000}
	for _, tc := range []struct {
		field  string
		change func(*APIKey)
	}{
		{"", func(*APIKey) {}},
		{"", func(k *APIKey) { k.ExpiresAt = 0 }},
		{"", func(k *APIKey) { k.Namespace = "team-7" }},
		{"namespace", func(k *APIKey) { k.Namespace = "Team" }},
		{"namespace", func(k *APIKey) { k.Namespace = strings.Repeat("a", 64) }},
		{"namespace", func(k *APIKey) { k.Namespace, k.Role = "team-7", RoleAdmin }},
		{"name", func(k *APIKey) { k.Name = "" }},
		{"name", func(k *APIKey) { k.Name = strings.Repeat("x", 101) }},
		{"name", func(k *APIKey) { k.Name = "a\nb" }},
		{"role", func(k *APIKey) { k.Role = "" }},
		{"role", func(k *APIKey) { k.Role = "ADMIN" }},
		{"expiresAt", func(k *APIKey) { k.ExpiresAt = 1_000 }},
		{"expiresAt", func(k *APIKey) { k.ExpiresAt = -1 }},
		{"expiresAt", func(k *APIKey) { k.ExpiresAt = 1 << 60 }},
	} {
		k := good
		tc.change(&k)
		err := k.Validate()
		e, _ := errors.AsType[*Error](err)
		if tc.field == "" && err != nil || tc.field != "" && (e == nil || e.Fields[0].Field != tc.field) {
			t.Errorf("%+v: %v, want a fault of %q", k, err, tc.field)
		}
	}
}

func TestKeyOpens(t *testing.T) {
	k := APIKey{ExpiresAt: 100}
	if !k.Opens(99) || k.Opens(100) || k.Opens(101) {
		t.Error("a key opens until its expiry and not at it")
	}
	k.ExpiresAt = 0
	if !k.Opens(1 << 60) {
		t.Error("a key without an expiry expires")
	}
	if k.RevokedAt = 1; k.Opens(0) {
		t.Error("a revoked key opens")
	}
}
