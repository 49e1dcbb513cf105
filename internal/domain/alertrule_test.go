package domain

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

func TestAlertMatcher(t *testing.T) {
	id := JobID{1}
	spec := &Spec{Namespace: "pay", Tags: []string{"nightly"}, API: "https://api.example.com/x"}
	for _, c := range []struct {
		m    AlertMatcher
		want bool
	}{
		{AlertMatcher{}, true},
		{AlertMatcher{Jobs: []JobID{{2}, id}, Namespace: "pay", Tag: "nightly", Host: "api.example.com:443"}, true},
		{AlertMatcher{Jobs: []JobID{{2}}}, false},
		{AlertMatcher{Jobs: []JobID{}}, false},
		{AlertMatcher{Namespace: "other"}, false},
		{AlertMatcher{Tag: "daily"}, false},
		{AlertMatcher{Host: "api.example.com:8443"}, false},
		{AlertMatcher{Host: "not a host"}, false},
	} {
		if got := c.m.Matches(id, spec); got != c.want {
			t.Errorf("%+v: %t", c.m, got)
		}
	}
}

func TestAlertRule(t *testing.T) {
	id := JobID{1}
	spec := &Spec{Namespace: "pay", API: "https://API.example.com/x"}
	rule := DefaultRule()
	if err := rule.Validate(); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		by   GroupBy
		want string
	}{{ByHost, "https://api.example.com:443"}, {ByNamespace, "pay"}, {ByJob, id.String()}} {
		rule.By = c.by
		if got := rule.GroupKey(id, spec); got != c.want {
			t.Errorf("%s: %s, want %s", c.by, got, c.want)
		}
	}
	rule.By = ByHost
	if got := rule.GroupKey(id, &Spec{API: "?"}); got != id.String() {
		t.Errorf("a job without a host has the key %s", got)
	}
	for name, c := range map[string]struct {
		change func(*AlertRule)
		want   bool
	}{
		"as it is":          {func(*AlertRule) {}, true},
		"its namespace":     {func(r *AlertRule) { r.Limit = "pay" }, true},
		"another namespace": {func(r *AlertRule) { r.Limit = "other" }, false},
		"another tag":       {func(r *AlertRule) { r.Match.Tag = "x" }, false},
	} {
		r := rule
		if c.change(&r); r.Applies(id, spec) != c.want {
			t.Errorf("%s: %t", name, !c.want)
		}
	}
	for _, c := range []struct {
		failures int
		alert    Alert
		want     bool
	}{
		{0, Alert{Count: 1}, true}, {1, Alert{Count: 1}, true}, {3, Alert{Count: 2}, false},
		{3, Alert{Count: 3}, true}, {1, Alert{Count: 1, Lost: true}, false},
	} {
		r := AlertRule{When: Condition{Count: c.failures}}
		if got := r.Meets(&c.alert); got != c.want {
			t.Errorf("%+v: %t", c, got)
		}
	}
	for field, r := range map[string]AlertRule{
		"name": {Name: "a\nb"}, "level": {Level: "BAD"}, "groupBy": {By: "DAY"},
		"waitMs": {Timing: RuleTiming{WaitMs: -1}}, "repeatMs": {Timing: RuleTiming{RepeatMs: 1 << 50}},
		"match.host": {Match: AlertMatcher{Host: "a b"}}, "channels": {Channels: make([]string, 21)},
		"updateMs": {Timing: RuleTiming{UpdateMs: -1}}, "channels[1]": {Channels: []string{"a", "B"}},
		"match.jobs": {Match: AlertMatcher{Jobs: []JobID{}}}, "when.count": {When: Condition{Count: -1}},
	} {
		if r.Level == "" {
			r.Level = LevelInfo
		}
		if r.By == "" {
			r.By = ByJob
		}
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
}

func TestChannel(t *testing.T) {
	c := Channel{ID: "ops-1", Kind: ChannelWebhook, Secrets: ChannelSecrets{
		URL:     "https://user:pass-word@hooks.example.com/v1/T0KEN-123?key=s3cret-key",
		Signing: []webhook.Secret{"whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA=="},
	}}
	if c.Target() != "hooks.example.com" {
		t.Errorf("the target is %s", c.Target())
	}
	text := `Post "` + c.Secrets.URL + `": T0KEN-123, s3cret-key, pass-word, ` + c.Secrets.Signing[0].Reveal() + ", v1"
	hidden := c.Hide(text)
	for _, secret := range []string{"T0KEN", "s3cret", "pass-word", "YSBz", "user:"} {
		if strings.Contains(hidden, secret) {
			t.Errorf("%s shows %s", hidden, secret)
		}
	}
	if !strings.Contains(hidden, webhook.Mask) || !strings.HasSuffix(hidden, ", v1") {
		t.Errorf("hidden: %s", hidden)
	}
	c.Secrets.URL = "https://hooks.example.com/v1/T0KEN-123"
	if err := c.Validate(); err != nil {
		t.Error(err)
	}
	for field, change := range map[string]func(*Channel){
		"id": func(c *Channel) { c.ID = "A" }, "kind": func(c *Channel) { c.Kind = "PIGEON" },
		"url": func(c *Channel) { c.Secrets.URL = "ftp://T0KEN" }, "perMinute": func(c *Channel) { c.PerMinute = -1 },
		"signingSecrets": func(c *Channel) { c.Secrets.Signing = []webhook.Secret{"T0KEN"} },
	} {
		wrong := c
		change(&wrong)
		if err := wrong.Validate(); err == nil || !strings.Contains(err.Error(), field+": ") ||
			strings.Contains(err.Error(), "T0KEN") {
			t.Errorf("%s: %v", field, err)
		}
	}
	for id, want := range map[string]bool{"a": true, "a-1": true, "": false, "-a": false, "a/b": false, "A": false,
		strings.Repeat("a", 64): true, strings.Repeat("a", 65): false} {
		if ValidAlertID(id) != want {
			t.Errorf("%q: %t", id, !want)
		}
	}
}

func TestIDsOfMessagesAreDerived(t *testing.T) {
	by := AlertKey{JobID: JobID{1}, OpenedAt: 2, OpenedNonce: 3}
	g := NewGroupID("r", "k", by, 1_700_000_000_000)
	n := NewNotificationID(g, 1, "c", 1_700_000_000_000)
	n2 := NewNotificationID(g, 2, "c", 1_700_000_000_001)
	digest := NewDigestID([]NotificationID{n2, n}, 1_700_000_000_000)
	if digest != NewDigestID([]NotificationID{n, n2}, 1_700_000_000_000) || digest == n || digest == n2 ||
		digest == NewDigestID([]NotificationID{n}, 1_700_000_000_000) {
		t.Errorf("%s is the id of messages %s and %s", digest, n, n2)
	}
	if g != NewGroupID("r", "k", by, 1_700_000_000_000) || n != NewNotificationID(g, 1, "c", 1_700_000_000_000) {
		t.Error("the ids are others the second time")
	}
	others := map[[16]byte]bool{
		g: true, n: true, NewGroupID("rk", "", by, 1_700_000_000_000): true,
		NewGroupID("r", "k", AlertKey{JobID: JobID{1}, OpenedAt: 3, OpenedNonce: 2}, 1_700_000_000_000): true,
		NewNotificationID(g, 2, "c", 1_700_000_000_000):                                                 true,
		NewNotificationID(g, 1, "d", 1_700_000_000_000):                                                 true,
	}
	if len(others) != 6 {
		t.Errorf("%d ids of six", len(others))
	}
	text, err := n.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	var back NotificationID
	if err := back.UnmarshalText(text); err != nil || back != n || !strings.HasPrefix(n.String(), "018bcfe5-6800-8") {
		t.Errorf("%s is read as %s, error %v", n, back, err)
	}
	var group GroupID
	text, err = g.MarshalText()
	if err != nil {
		t.Fatal(err)
	}
	if err := group.UnmarshalText(text); err != nil || group != g || group.IsZero() || !(NotificationID{}).IsZero() {
		t.Errorf("%s is read as %s, error %v", g, group, err)
	}
	if parsed, err := ParseGroupID(g.String()); err != nil || parsed != g {
		t.Errorf("%s, error %v", parsed, err)
	}
	if parsed, err := ParseNotificationID(n.String()); err != nil || parsed != n {
		t.Errorf("%s, error %v", parsed, err)
	}
}
