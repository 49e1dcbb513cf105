package access

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestParseGrants(t *testing.T) {
	for text, want := range map[string]Grant{
		"groups=belfry-admins:admin":     {"groups", "belfry-admins", domain.RoleAdmin, ""},
		"groups=billing:editor:billing":  {"groups", "billing", domain.RoleEditor, "billing"},
		"email=ann@example.com:viewer":   {"email", "ann@example.com", domain.RoleViewer, ""},
		"groups=urn:a:b:viewer":          {"groups", "urn:a:b", domain.RoleViewer, ""},
		"groups=urn:editor:viewer:team":  {"groups", "urn:editor", domain.RoleViewer, "team"},
		"groups=a=b:viewer":              {"groups", "a=b", domain.RoleViewer, ""},
		"groups=x:viewer:viewer":         {"groups", "x:viewer", domain.RoleViewer, ""},
		"https://a.test/roles=x:editor":  {"https://a.test/roles", "x", domain.RoleEditor, ""},
		"groups=Name With Spaces:viewer": {"groups", "Name With Spaces", domain.RoleViewer, ""},
	} {
		got, err := ParseGrants([]string{text})
		if err != nil || len(got) != 1 || got[0] != want {
			t.Errorf("%s: %+v, %v", text, got, err)
		}
	}
	for _, wrong := range []string{
		"", "groups", "groups=", "groups=x", "groups=:viewer", "=x:viewer", " groups=x:viewer", "groups= x:viewer",
		"groups=x :viewer", "groups=x:root", "groups=x:Admin", "groups=x:editor:", "groups=x:editor:B C",
		"groups=x:admin:billing", "groups=x:viewer:a:b",
	} {
		if got, err := ParseGrants([]string{wrong}); err == nil || !strings.Contains(err.Error(), "must") {
			t.Errorf("%q: %+v, %v", wrong, got, err)
		}
	}
	if _, err := ParseGrants([]string{"g=x:viewer", "g=x:admin"}); err == nil {
		t.Error("two grants about one value")
	}
	if _, err := ParseGrants(slices.Repeat([]string{"g=x:viewer"}, maxGrants+1)); err == nil {
		t.Error("any number of grants")
	}
}

// TestGrants: who meets no grant may do nothing; of several the first one counts; nothing but a text, or a list with
// it, meets one.
func TestGrants(t *testing.T) {
	grants, err := ParseGrants([]string{
		"groups=ops:admin", "email=ann@example.com:editor", "groups=billing:editor:billing", "level=5:viewer",
		"admin=true:admin", "sub=7:viewer",
	})
	if err != nil {
		t.Fatal(err)
	}
	for claims, want := range map[string]string{
		`{}`:                                    "",
		`{"groups":[]}`:                         "",
		`{"groups":"ops"}`:                      "admin ",
		`{"groups":["billing","ops"]}`:          "admin ",
		`{"groups":["billing"]}`:                "editor billing",
		`{"groups":["Billing"," billing","b"]}`: "",
		`{"groups":["billing2"]}`:               "",
		`{"groups":"billing,ops"}`:              "",
		`{"groups":{"ops":true}}`:               "",
		`{"groups":[["ops"]]}`:                  "",
		`{"groups":null}`:                       "",
		`{"Groups":"ops"}`:                      "",
		`{"level":5}`:                           "",
		`{"level":"5"}`:                         "viewer ",
		`{"admin":true}`:                        "",
		`{"sub":"7"}`:                           "viewer ",
		`{"email":"ann@example.com"}`:           "",
		`{"email":"ann@example.com","email_verified":false}`:      "",
		`{"email":"ann@example.com","email_verified":"true"}`:     "",
		`{"email":"ann@example.com","email_verified":true}`:       "editor ",
		`{"email":"eve@example.com","email_verified":true}`:       "",
		`{"email":["ann@example.com"],"email_verified":true}`:     "editor ",
		`{"email":"ann@example.com\u0000","email_verified":true}`: "",
	} {
		var c map[string]any
		if err := json.Unmarshal([]byte(claims), &c); err != nil {
			t.Fatal(err)
		}
		g, ok := Grants(grants, c)
		got := ""
		if ok {
			got = string(g.Role) + " " + g.Namespace
		}
		if got != want {
			t.Errorf("%s: %q, want %q", claims, got, want)
		}
	}
	if _, ok := Grants(nil, map[string]any{"sub": "7"}); ok {
		t.Error("somebody comes in where nothing is granted")
	}
}
