package api

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestAlertRules(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	var list alertRulesBody
	call(t, h, "GET", "/alerts/rules", "").into(t, 200, &list)
	if len(list.Rules) != 2 || list.Rules[0].ID != "default" || !list.Rules[0].BuiltIn ||
		list.Rules[0].When.Kind != domain.WhenFailures || !list.Rules[0].Recovery {
		t.Fatalf("%+v", list)
	}
	var rule alertRuleBody
	call(t, h, "GET", "/alerts/rules/default", "").into(t, 200, &rule)
	const often = `{"name":"often","match":{"tag":"pay","host":"api.example.com"},"when":{"kind":"FAILED_OF_LAST",` +
		`"count":3,"of":10},"level":"WARNING","groupBy":"JOB","waitMs":0,"repeatMs":0,"recovery":false}`
	a := call(t, h, "PUT", "/alerts/rules/often", often)
	a.into(t, 201, &rule)
	if rule.Match.Tag != "pay" || rule.When.Of != 10 || rule.Level != "WARNING" || rule.GroupBy != "JOB" ||
		rule.WaitMs != 0 || rule.UpdateMs != 300_000 || rule.RepeatMs != 0 || rule.Recovery || rule.BuiltIn {
		t.Errorf("%+v", rule)
	}
	tag := a.Header.Get("ETag")
	call(t, h, "PUT", "/alerts/rules/often", often, "If-None-Match: *").problem(t, 412)
	call(t, h, "PUT", "/alerts/rules/often", often, `If-Match: "99"`).problem(t, 412)
	rule = alertRuleBody{}
	call(t, h, "PUT", "/alerts/rules/often", `{"when":{"kind":"LOST"}}`, "If-Match: "+tag).into(t, 200, &rule)
	if rule.When.Kind != domain.WhenLost || rule.Match.Tag != "" || rule.Level != "CRITICAL" {
		t.Errorf("what is absent has no default: %+v", rule)
	}
	call(t, h, "PUT", "/alerts/rules/default", `{"disabled":true}`).into(t, 201, &rule)
	call(t, h, "GET", "/alerts/rules", "").into(t, 200, &list)
	if len(list.Rules) != 3 || list.Rules[0].ID != "default" || !list.Rules[0].Disabled || list.Rules[0].BuiltIn {
		t.Errorf("%+v", list)
	}
	call(t, h, "DELETE", "/alerts/rules/default", "").into(t, 200, new(deletedSettingBody))
	call(t, h, "DELETE", "/alerts/rules/often", "", "If-Match: "+tag).problem(t, 412)
	call(t, h, "DELETE", "/alerts/rules/often", "").into(t, 200, new(deletedSettingBody))
	call(t, h, "DELETE", "/alerts/rules/often", "").problem(t, 404)
	call(t, h, "GET", "/alerts/rules/often", "").problem(t, 404)
	call(t, h, "GET", "/alerts/rules/A", "").problem(t, 400)
}

// The rule about undeliverable messages is there without being made, is replaced and switched off by its id, and is not
// there beside another one of its kind.
func TestTheRuleAboutUndeliverableMessages(t *testing.T) {
	h := newAPI(t, newFixture(t))
	const path = "/alerts/rules/undeliverable"
	is := func(want string) {
		t.Helper()
		var list alertRulesBody
		call(t, h, "GET", "/alerts/rules", "").into(t, 200, &list)
		got := ""
		for _, r := range list.Rules {
			if r.When.Kind == domain.WhenUndeliverable {
				got += fmt.Sprint(r.ID, " ", r.BuiltIn, " ", r.Disabled, " ", r.GroupBy, " ", r.Level, ";")
			}
		}
		if got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
	var rule alertRuleBody
	is("undeliverable true false JOB CRITICAL;")
	call(t, h, "GET", path, "").into(t, 200, &rule)
	if !rule.BuiltIn || rule.When.Kind != domain.WhenUndeliverable || rule.Name == "" || rule.CreatedAt != nil {
		t.Errorf("%+v", rule)
	}
	call(t, h, "DELETE", path, "").problem(t, 404)
	call(t, h, "PUT", path, `{"disabled":true}`).into(t, 201, new(alertRuleBody))
	is("undeliverable false true JOB CRITICAL;")
	call(t, h, "PUT", path, `{"level":"INFO","groupBy":"HOST"}`).into(t, 200, new(alertRuleBody))
	is("undeliverable false false HOST INFO;")
	call(t, h, "DELETE", path, "").into(t, 200, new(deletedSettingBody))
	is("undeliverable true false JOB CRITICAL;")
	call(t, h, "PUT", "/alerts/rules/mine", `{"when":{"kind":"UNDELIVERABLE"}}`).into(t, 201, new(alertRuleBody))
	is("mine false false HOST CRITICAL;")
	call(t, h, "GET", path, "").problem(t, 404)
	call(t, h, "PUT", path, `{"when":{"kind":"FAILURES","count":2}}`).into(t, 201, new(alertRuleBody))
	rule = alertRuleBody{}
	call(t, h, "GET", path, "").into(t, 200, &rule)
	if rule.BuiltIn || rule.When.Kind != domain.WhenFailures || rule.When.Count != 2 {
		t.Errorf("%+v", rule)
	}
}

// A field that would do nothing, or would be about other jobs than is meant, is refused.
func TestWrongRulesSilencesAndWindows(t *testing.T) {
	h := newAPI(t, newFixture(t))
	for _, c := range []struct{ method, path, body, field string }{
		{"PUT", "/alerts/rules/r", `{"when":{"kind":"LOST","count":2}}`, "when.count"},
		{"PUT", "/alerts/rules/r", `{"when":{"kind":"FAILURES","count":0}}`, "when.count"},
		{"PUT", "/alerts/rules/r", `{"when":{"kind":"SLOW"}}`, "when.kind"},
		{"PUT", "/alerts/rules/r", `{"when":{"count":2}}`, "when"},
		{"PUT", "/alerts/rules/r", `{"match":{"namespace":"a_b"}}`, "match.namespace"},
		{"PUT", "/alerts/rules/r", `{"when":7}`, "when"},
		{"PUT", "/alerts/rules/r", `{"when":{"kind":"LOST","sum":2}}`, "when.sum"},
		{"PUT", "/alerts/rules/r", `{"match":{"jobs":[]}}`, "match.jobs"},
		{"PUT", "/alerts/rules/r", `{"match":{"jobs":["x"]}}`, "match.jobs[0]"},
		{"PUT", "/alerts/rules/r", `{"match":{"tag":""}}`, "match.tag"},
		{"PUT", "/alerts/rules/r", `{"match":{"name":"x"}}`, "match.name"},
		{"PUT", "/alerts/rules/r", `{"channels":["nowhere"]}`, "channels[0]"},
		{"PUT", "/alerts/rules/r", `{"level":"BAD"}`, "level"},
		{"PUT", "/alerts/rules/r", `{"waitMs":"1s"}`, "waitMs"},
		{"PUT", "/alerts/rules/r", `{"failures":2}`, "failures"},
		{"POST", "/alerts/silences", `{"reason":"x"}`, "endsAt"},
		{"POST", "/alerts/silences", `{"durationMs":60000}`, "reason"},
		{"POST", "/alerts/silences", `{"reason":"x","durationMs":60000,"endsAt":"2030-01-01T00:00:00Z"}`,
			"durationMs"},
		{"POST", "/alerts/silences", `{"reason":"x","durationMs":0}`, "durationMs"},
		{"POST", "/alerts/silences", `{"reason":"x","endsAt":"soon"}`, "endsAt"},
		{"POST", "/alerts/silences", `{"reason":"x","startsAt":"2030-01-01T00:00:00Z","endsAt":"2029-01-01T00:00:00Z"}`,
			"endsAt"},
		{"PUT", "/alerts/windows/w", `{"reason":"x","durationMs":60000}`, "schedule"},
		{"PUT", "/alerts/windows/w", `{"reason":"x","durationMs":60000,"schedule":"never"}`, "schedule"},
		{"PUT", "/alerts/windows/w", `{"reason":"x","schedule":"0 0 2 * * *"}`, "durationMs"},
		{"PUT", "/alerts/windows/w", `{"reason":"x","schedule":"@daily","durationMs":60000,"timezone":"Mars/Base"}`,
			"timezone"},
	} {
		p := call(t, h, c.method, c.path, c.body).problem(t, 422)
		named := false
		for _, e := range p.Errors {
			named = named || e.Field == c.field
		}
		if !named {
			t.Errorf("%s %s: %+v, want %s", c.path, c.body, p.Errors, c.field)
		}
	}
	for _, path := range []string{"/alerts/silences", "/alerts/windows"} {
		call(t, h, "GET", path+"?jobId=x", "").problem(t, 400)
		call(t, h, "GET", path+"?jobId=0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b", "").problem(t, 404)
		call(t, h, "GET", path+"?active=maybe", "").problem(t, 400)
	}
}

func TestSilencesAndWindows(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	id := create(t, h, minimal)
	now := clock.NowMs(f.clock)
	var s silenceBody
	a := call(t, h, "POST", "/alerts/silences",
		`{"reason":"new disks","durationMs":3600000,"match":{"jobs":["`+id+`"]}}`)
	a.into(t, 201, &s)
	if !s.Active || s.EndsAt-s.StartsAt != 3_600_000 || s.By.Key == "" || !strings.HasPrefix(s.ID, "s-") ||
		a.Header.Get("Location") != "/alerts/silences/"+s.ID {
		t.Errorf("%+v", s)
	}
	var list silencesBody
	for query, want := range map[string]int{
		"": 1, "?active=true": 1, "?active=false": 0, "?jobId=" + id: 1,
		"?active=true&jobId=" + create(t, h, minimal): 0,
	} {
		call(t, h, "GET", "/alerts/silences"+query, "").into(t, 200, &list)
		if len(list.Silences) != want {
			t.Errorf("%s: %+v, want %d", query, list, want)
		}
	}
	call(t, h, "PUT", "/alerts/silences/"+s.ID, `{"reason":"done","startsAt":1767225600000,"endsAt":1767225600001}`).
		into(t, 200, &s)
	if s.Active || s.Reason != "done" {
		t.Errorf("%+v", s)
	}
	call(t, h, "GET", "/alerts/silences/"+s.ID, "").into(t, 200, &s)
	call(t, h, "PUT", "/alerts/silences/mine", `{"reason":"mine","durationMs":60000}`).into(t, 201, &s)
	call(t, h, "DELETE", "/alerts/silences/mine", "").into(t, 200, new(deletedSettingBody))

	const backup = `{"reason":"backup","schedule":"* * * * * *","durationMs":60000,"timezone":"Europe/Berlin"}`
	var w windowBody
	call(t, h, "PUT", "/alerts/windows/backup", backup).into(t, 201, &w)
	if w.ActiveUntil == nil || *w.ActiveUntil <= now || w.NextAt == nil || *w.NextAt <= now ||
		w.Timezone != "Europe/Berlin" {
		t.Errorf("%+v", w)
	}
	call(t, h, "PUT", "/alerts/windows/backup", strings.Replace(backup, "}", `,"disabled":true}`, 1)).into(t, 200, &w)
	if w.ActiveUntil != nil || w.NextAt != nil || !w.Disabled {
		t.Errorf("%+v", w)
	}
	var windows windowsBody
	for query, want := range map[string]int{"": 1, "?active=true": 0, "?jobId=" + id: 1} {
		call(t, h, "GET", "/alerts/windows"+query, "").into(t, 200, &windows)
		if len(windows.Windows) != want {
			t.Errorf("%s: %+v, want %d", query, windows, want)
		}
	}
	call(t, h, "GET", "/alerts/windows/backup", "").into(t, 200, &w)
	call(t, h, "DELETE", "/alerts/windows/backup", "").into(t, 200, new(deletedSettingBody))
	call(t, h, "GET", "/alerts/windows/backup", "").problem(t, 404)
}

// A request for a silence with an Idempotency-Key makes one silence, and is answered as the first time, also when that
// has changed or is gone. Another body with the same key is refused.
func TestASilenceIsMadeOnce(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	const body, key = `{"reason":"x","durationMs":7200000}`, "Idempotency-Key: 8e03978e-40d5"
	var first, second silenceBody
	again(t, h, "POST", "/alerts/silences", body, 201).into(t, 201, &first)
	number := func(want int) {
		t.Helper()
		var list silencesBody
		if call(t, h, "GET", "/alerts/silences", "").into(t, 200, &list); len(list.Silences) != want {
			t.Errorf("%d silences, want %d: %+v", len(list.Silences), want, list)
		}
	}
	number(1)
	p := call(t, h, "POST", "/alerts/silences", `{"reason":"y","durationMs":7200000}`, key).problem(t, 422)
	if p.Code != "idempotency-key-reused" {
		t.Errorf("%+v", p)
	}
	f.clock.step(time.Hour)
	h = newAPI(t, f) // as after a restart
	call(t, h, "PUT", "/alerts/silences/"+first.ID, `{"reason":"z","durationMs":1}`).into(t, 200, &second)
	a := call(t, h, "POST", "/alerts/silences", body, key)
	if a.into(t, 201, &second); asJSON(second) != asJSON(first) || a.Header.Get("ETag") != "" {
		t.Errorf("after a change: %+v, want %+v, ETag %s", second, first, a.Header.Get("ETag"))
	}
	call(t, h, "DELETE", "/alerts/silences/"+first.ID, "").into(t, 200, new(deletedSettingBody))
	a = call(t, h, "POST", "/alerts/silences", body, key)
	first.Active = false
	if a.into(t, 201, &second); asJSON(second) != asJSON(first) || a.Header.Get("ETag") != "" {
		t.Errorf("after its deletion: %+v, want %+v", second, first)
	}
	number(0)
	f.clock.step(24 * time.Hour)
	call(t, h, "POST", "/alerts/silences", body, key).into(t, 201, &second)
	if number(1); second.ID == first.ID {
		t.Error("a day later it has the id of the first one")
	}
}

// Silences that ended long ago are deleted when another one is made.
func TestOldSilencesGo(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	now := clock.NowMs(f.clock)
	for id, ended := range map[string]int64{"old": now - silencesKept - 1, "kept": now - silencesKept + 60_000} {
		s := domain.Silence{ID: id, Reason: "x", From: 1, To: ended}
		if _, err := f.store.AlertSettings().PutAlertSetting(t.Context(), s.Encode(), domain.Change{}); err != nil {
			t.Fatal(err)
		}
	}
	call(t, h, "POST", "/alerts/silences", `{"reason":"x","durationMs":60000}`).into(t, 201, new(silenceBody))
	call(t, h, "GET", "/alerts/silences/old", "").problem(t, 404)
	call(t, h, "GET", "/alerts/silences/kept", "").into(t, 200, new(silenceBody))
}

// A key of one namespace makes, sees and changes what is about this namespace alone.
func TestRulesOfANamespace(t *testing.T) {
	var mine string
	k := newKeyed(t, func(c *Config) {
		text, _, err := c.Keys.Create(t.Context(), domain.APIKey{Name: "root", Role: domain.RoleAdmin})
		if err == nil {
			text, _, err = c.Keys.Create(t.Context(), domain.APIKey{Name: "b", Role: domain.RoleEditor,
				Namespace: "billing"})
		}
		if err != nil {
			t.Fatal(err)
		}
		mine = "Authorization: Bearer " + text
	})
	admin := "Authorization: Bearer " + k.keys[domain.RoleAdmin]
	var rule alertRuleBody
	var s silenceBody
	var w windowBody
	call(t, k, "PUT", "/alerts/rules/mine", `{}`, mine).into(t, 201, &rule)
	call(t, k, "PUT", "/alerts/silences/mine", `{"reason":"x","durationMs":60000}`, mine).into(t, 201, &s)
	call(t, k, "PUT", "/alerts/windows/mine", `{"reason":"x","schedule":"0 0 2 * * *","durationMs":60000}`, mine).
		into(t, 201, &w)
	if rule.Namespace != "billing" || s.Namespace != "billing" || w.Namespace != "billing" {
		t.Errorf("%s, %s, %s", rule.Namespace, s.Namespace, w.Namespace)
	}
	call(t, k, "PUT", "/alerts/rules/mine", `{"name":"changed"}`, admin).into(t, 200, &rule)
	if rule.Namespace != "billing" {
		t.Error("a change by another key makes it a rule of all namespaces")
	}
	call(t, k, "PUT", "/alerts/rules/all", `{}`, admin).into(t, 201, &rule)
	var rules alertRulesBody
	call(t, k, "GET", "/alerts/rules", "", mine).into(t, 200, &rules)
	if len(rules.Rules) != 1 || rules.Rules[0].ID != "mine" {
		t.Errorf("%+v", rules)
	}
	for _, path := range []string{"/alerts/rules/all", "/alerts/rules/default", "/alerts/rules/undeliverable"} {
		call(t, k, "GET", path, "", mine).problem(t, 404)
		call(t, k, "DELETE", path, "", mine).problem(t, 404)
	}
	call(t, k, "PUT", "/alerts/rules/all", `{}`, mine).problem(t, 404)
	var silences silencesBody
	call(t, k, "GET", "/alerts/silences", "", mine).into(t, 200, &silences)
	if len(silences.Silences) != 1 {
		t.Errorf("%+v", silences)
	}
}

// A rule that is there without being made is everybody's: a key of a namespace neither sees nor changes nor deletes it,
// and what such a key stored under this id with an earlier build takes nobody's place.
func TestTheBuiltInRulesAreEverybodys(t *testing.T) {
	for _, id := range []string{"default", "undeliverable"} {
		t.Run(id, func(t *testing.T) { isEverybodys(t, id) })
	}
}

func isEverybodys(t *testing.T, id string) {
	keys := map[string]string{}
	k := newKeyed(t, func(c *Config) {
		_, _, err := c.Keys.Create(t.Context(), domain.APIKey{Name: "root", Role: domain.RoleAdmin})
		if err != nil {
			t.Fatal(err)
		}
		for _, ns := range []string{"billing", "shipping"} {
			text, _, err := c.Keys.Create(t.Context(), domain.APIKey{Name: ns, Role: domain.RoleEditor, Namespace: ns})
			if err != nil {
				t.Fatal(err)
			}
			keys[ns] = "Authorization: Bearer " + text
		}
	})
	admin := "Authorization: Bearer " + k.keys[domain.RoleAdmin]
	path := "/alerts/rules/" + id
	refused := func() {
		t.Helper()
		for _, key := range keys {
			call(t, k, "PUT", path, `{"disabled":true}`, key).problem(t, 404)
			call(t, k, "DELETE", path, "", key).problem(t, 404)
			call(t, k, "GET", path, "", key).problem(t, 404)
			var list alertRulesBody
			call(t, k, "GET", "/alerts/rules", "", key).into(t, 200, &list)
			if len(list.Rules) != 0 {
				t.Errorf("%+v", list)
			}
		}
	}
	var rule alertRuleBody
	holds := func(builtIn bool) {
		t.Helper()
		var list alertRulesBody
		call(t, k, "GET", "/alerts/rules", "", admin).into(t, 200, &list)
		if len(list.Rules) != 2 {
			t.Errorf("%+v", list)
		}
		for _, r := range list.Rules {
			if r.BuiltIn != (builtIn || r.ID != id) || r.Namespace != "" {
				t.Errorf("%+v", list)
			}
		}
		rule = alertRuleBody{}
		call(t, k, "GET", path, "", admin).into(t, 200, &rule)
		if rule.BuiltIn != builtIn || rule.Namespace != "" {
			t.Errorf("%+v", rule)
		}
	}
	refused()
	holds(true)
	old := domain.DefaultRule()
	old.ID, old.Limit, old.Disabled = id, "billing", true
	if _, err := k.f.store.AlertSettings().PutAlertSetting(t.Context(), old.Encode(), domain.Change{}); err != nil {
		t.Fatal(err)
	}
	refused()
	holds(true)
	call(t, k, "PUT", path, `{"name":"all"}`, admin).into(t, 200, &rule)
	refused()
	holds(false)
	call(t, k, "DELETE", path, "", admin).into(t, 200, new(deletedSettingBody))
	holds(true)
}

// A rule names channels that it may tell: those of this server's settings, others than those only where it names them
// already, and one of a namespace where it is about this namespace alone.
func TestChannelsOfRules(t *testing.T) {
	var ofBilling string
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
		ofBilling = "Authorization: Bearer " + text
	})
	admin := "Authorization: Bearer " + k.keys[domain.RoleAdmin]
	channel := `{"kind":"WEBHOOK","namespace":"billing","secrets":{"url":"https://hooks.example.com/billing"}}`
	call(t, k, "PUT", "/alerts/channels/bills", channel, admin).into(t, 201, new(channelBody))
	old := domain.DefaultRule()
	old.ID, old.Channels = "old", []string{"env-0000000000"}
	if _, err := k.f.store.AlertSettings().PutAlertSetting(t.Context(), old.Encode(), domain.Change{}); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		id, key, body string
		status        int
	}{
		{"a", admin, `{"channels":["` + fixedChannel.ID + `"]}`, 201},
		{"b", admin, `{"channels":["env-0000000000"]}`, 422},
		{"a", admin, `{"channels":["env-0000000000"]}`, 422},
		{"old", admin, `{"channels":["env-0000000000"],"level":"INFO"}`, 200},
		{"c", admin, `{"channels":["bills"]}`, 422},
		{"c", admin, `{"channels":["bills"],"match":{"namespace":"shipping"}}`, 422},
		{"c", admin, `{"channels":["bills"],"match":{"namespace":"billing"}}`, 201},
		{"d", ofBilling, `{"channels":["bills"]}`, 201},
		{"d", admin, `{"channels":["bills"],"level":"INFO"}`, 200},
	} {
		a := call(t, k, "PUT", "/alerts/rules/"+c.id, c.body, c.key)
		if c.status == 422 {
			if p := a.problem(t, 422); len(p.Errors) != 1 || p.Errors[0].Field != "channels[0]" {
				t.Errorf("%s %s: %+v", c.id, c.body, p)
			}
			continue
		}
		a.into(t, c.status, new(alertRuleBody))
	}
}

// A group says by what it is silenced.
func TestAGroupShowsItsSilence(t *testing.T) {
	q := domain.Quiet{Kind: domain.QuietWindow, ID: "w", Reason: "backup", By: domain.Author{Key: "k"}, Until: 7}
	b := alertGroupBodyOf(&domain.Group{When: domain.WhenDrift, Quiet: &q})
	if b.When != domain.WhenDrift || b.Silenced == nil || b.Silenced.ID != "w" || b.Silenced.Until != 7 {
		t.Errorf("%+v", b)
	}
	if b := alertGroupBodyOf(&domain.Group{}); b.When != domain.WhenFailures || b.Silenced != nil {
		t.Errorf("%+v", b)
	}
}
