package api

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// What is stored and cannot be read, since a newer build has stored it, is listed with the others, says so, and is
// replaced or deleted. A key of a namespace does not see it: whose it is is not known.
func TestSettingsThatCannotBeRead(t *testing.T) {
	var editor string
	k := newKeyed(t, func(c *Config) {
		_, _, err := c.Keys.Create(t.Context(), domain.APIKey{Name: "root", Role: domain.RoleAdmin})
		if err != nil {
			t.Fatal(err)
		}
		billing := domain.APIKey{Name: "b", Role: domain.RoleEditor, Namespace: "billing"}
		text, _, err := c.Keys.Create(t.Context(), billing)
		if err != nil {
			t.Fatal(err)
		}
		editor = "Authorization: Bearer " + text
	})
	admin := "Authorization: Bearer " + k.keys[domain.RoleAdmin]
	type one struct{ ID, Error string }
	var list struct{ Rules, Silences, Windows []one }
	for _, c := range []struct {
		kind                 domain.AlertSettingKind
		path, replaced, body string
	}{
		{domain.SettingRule, "/alerts/rules", `{"level":"INFO"}`, `{"when":{"kind":"OF_A_NEWER_BUILD"}}`},
		{domain.SettingRule, "/alerts/rules", `{"level":"INFO"}`, `{"level":7}`},
		{domain.SettingSilence, "/alerts/silences", `{"reason":"x","durationMs":60000}`, `{"from":"x"}`},
		{domain.SettingWindow, "/alerts/windows", `{"reason":"x","durationMs":60000,"schedule":"@daily"}`, `[]`},
	} {
		store := func() {
			t.Helper()
			s := domain.AlertSetting{Kind: c.kind, ID: "new", Body: []byte(c.body)}
			if _, err := k.f.store.AlertSettings().PutAlertSetting(t.Context(), s, domain.Change{}); err != nil {
				t.Fatal(err)
			}
		}
		store()
		list.Rules, list.Silences, list.Windows = nil, nil, nil
		call(t, k, "GET", c.path, "", admin).into(t, 200, &list)
		found := 0
		for _, s := range append(append(list.Rules, list.Silences...), list.Windows...) {
			if s.ID == "new" && s.Error != "" {
				found++
			}
		}
		if found != 1 {
			t.Errorf("%s: %+v", c.path, list)
		}
		var got one
		a := call(t, k, "GET", c.path+"/new", "", admin)
		if a.into(t, 200, &got); got.Error == "" {
			t.Errorf("%s: %+v", c.path, got)
		}
		call(t, k, "GET", c.path+"/new", "", editor).problem(t, 404)
		call(t, k, "PUT", c.path+"/new", c.replaced, editor).problem(t, 404)
		call(t, k, "DELETE", c.path+"/new", "", editor).problem(t, 404)
		call(t, k, "PUT", c.path+"/new", c.replaced, admin, `If-Match: "9999"`).problem(t, 412)
		got = one{}
		call(t, k, "PUT", c.path+"/new", c.replaced, admin, "If-Match: "+a.Header.Get("ETag")).into(t, 200, &got)
		if got.Error != "" {
			t.Errorf("%s: %+v", c.path, got)
		}
		call(t, k, "DELETE", c.path+"/new", "", admin).into(t, 200, new(deletedSettingBody))
		store()
		call(t, k, "DELETE", c.path+"/new", "", admin).into(t, 200, new(deletedSettingBody))
	}
}
