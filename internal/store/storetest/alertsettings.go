package storetest

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var settingCases = []testCase{
	{"a setting is kept as it was put, with its secrets, through a reopen", settingLife},
	{"a put replaces the revision that it names, and conflicts with any other", settingConflicts},
	{"a repeat of a put or of a deletion succeeds and changes nothing", settingRepeats},
	{"settings are listed by kind, in the order of their ids", settingLists},
	{"the revision of the settings is higher after each change, and no setting has one again", settingRevisions},
	{"settings are bounded in number and size, and are of a kind and an id that are known", settingBounds},
	{"a write of a setting makes one entry of the trail, one that is refused none", settingTrail},
	{"what waits for each channel is counted", settingBacklogs},
}

// setting returns a setting that is not stored.
func setting(kind domain.AlertSettingKind, id string) domain.AlertSetting {
	return domain.AlertSetting{
		Kind: kind, ID: id, Body: []byte(`{"name":"größer","text":"'; DROP TABLE alert_setting"}`),
		Secrets: []byte(`{"url":"https://hooks.test/T0KEN"}`),
	}
}

func putSetting(t *testing.T, f *fixture, s domain.AlertSetting) domain.AlertSetting {
	t.Helper()
	return must(f.AlertSettings().PutAlertSetting(t.Context(), s, domain.Change{}))(t)
}

func settings(t *testing.T, f *fixture, kind domain.AlertSettingKind) []domain.AlertSetting {
	t.Helper()
	return must(f.AlertSettings().AlertSettings(t.Context(), kind))(t)
}

// putError is that of a put.
func putError(t *testing.T, f *fixture, s domain.AlertSetting) error {
	t.Helper()
	kept, err := f.AlertSettings().PutAlertSetting(t.Context(), s, domain.Change{At: noon, Nonce: 99})
	if err != nil {
		equal(t, kept, domain.AlertSetting{})
	}
	return err
}

func removeSetting(t *testing.T, f *fixture, s domain.AlertSetting) error {
	t.Helper()
	return f.AlertSettings().DeleteAlertSetting(t.Context(), s.Kind, s.ID, s.Revision, domain.Change{})
}

func settingLife(t *testing.T, f *fixture) {
	s, bare := setting(domain.SettingChannel, "ops"), setting(domain.SettingRule, "ops")
	bare.Secrets = nil
	_, err := f.AlertSettings().AlertSetting(t.Context(), s.Kind, s.ID)
	wantCode(t, err, domain.CodeNotFound)
	for _, want := range []domain.AlertSetting{s, bare} {
		want.Revision = putSetting(t, f, want).Revision
		for range 2 {
			equal(t, must(f.AlertSettings().AlertSetting(t.Context(), want.Kind, want.ID))(t), want)
			equal(t, settings(t, f, want.Kind), []domain.AlertSetting{want})
			f.reopen(t)
		}
		want.Body, want.Secrets = []byte(`{}`), []byte("another secret")
		want.Revision = putSetting(t, f, want).Revision
		for range 2 {
			equal(t, must(f.AlertSettings().AlertSetting(t.Context(), want.Kind, want.ID))(t), want)
			f.reopen(t)
		}
		want.Secrets = nil
		want.Revision = putSetting(t, f, want).Revision
		equal(t, settings(t, f, want.Kind), []domain.AlertSetting{want})
		ok(t, removeSetting(t, f, want))
		for range 2 {
			_, err := f.AlertSettings().AlertSetting(t.Context(), want.Kind, want.ID)
			wantCode(t, err, domain.CodeNotFound)
			equal(t, settings(t, f, want.Kind), nil)
			f.reopen(t)
		}
	}
}

func settingConflicts(t *testing.T, f *fixture) {
	s := setting(domain.SettingChannel, "ops")
	gone := s
	gone.Revision = 7
	wantCode(t, putError(t, f, gone), domain.CodeConflict)
	first := putSetting(t, f, s)
	other := s
	other.Body = []byte(`{"name":"another"}`)
	wantCode(t, putError(t, f, other), domain.CodeConflict) // it is there already
	other.Revision = first.Revision
	second := putSetting(t, f, other)
	other.Body, other.Secrets = []byte(`{"name":"late"}`), nil
	wantCode(t, putError(t, f, other), domain.CodeConflict) // that revision was replaced
	wantCode(t, removeSetting(t, f, first), domain.CodeConflict)
	for range 2 {
		equal(t, settings(t, f, s.Kind), []domain.AlertSetting{second})
		f.reopen(t)
	}
	secret := second // secrets alone
	secret.Secrets = []byte("another")
	secret.Revision = putSetting(t, f, secret).Revision
	equal(t, settings(t, f, s.Kind), []domain.AlertSetting{secret})
	secret.Revision = 0
	ok(t, removeSetting(t, f, secret)) // of any revision
	equal(t, settings(t, f, s.Kind), nil)
	wantCode(t, putError(t, f, second), domain.CodeConflict)
}

func settingRepeats(t *testing.T, f *fixture) {
	first := putSetting(t, f, setting(domain.SettingChannel, "ops"))
	next := first
	next.Body = []byte(`{}`)
	second := putSetting(t, f, next)
	revision := must(f.AlertSettings().AlertSettingsRevision(t.Context()))(t)
	again := setting(domain.SettingChannel, "ops")
	again.Body = []byte(`{}`)
	equal(t, putSetting(t, f, next), second)
	equal(t, putSetting(t, f, again), second)
	equal(t, must(f.AlertSettings().AlertSettingsRevision(t.Context()))(t), revision)
	for range 2 {
		ok(t, removeSetting(t, f, second))
		equal(t, must(f.AlertSettings().AlertSettingsRevision(t.Context()))(t), revision+1)
	}
}

func settingLists(t *testing.T, f *fixture) {
	for _, id := range []string{"b", "a-2", "a", "z0", "a1"} {
		for _, kind := range domain.AlertSettingKinds {
			putSetting(t, f, setting(kind, id))
		}
	}
	for _, kind := range domain.AlertSettingKinds {
		var ids []string
		for _, s := range settings(t, f, kind) {
			ids = append(ids, s.ID)
			equal(t, s.Kind, kind)
		}
		equal(t, ids, []string{"a", "a-2", "a1", "b", "z0"})
	}
}

func settingRevisions(t *testing.T, f *fixture) {
	last := must(f.AlertSettings().AlertSettingsRevision(t.Context()))(t)
	higher := func() {
		t.Helper()
		for range 2 {
			now := must(f.AlertSettings().AlertSettingsRevision(t.Context()))(t)
			if now <= last {
				t.Fatalf("the revision is %d, and was %d", now, last)
			}
			f.reopen(t)
		}
		last = must(f.AlertSettings().AlertSettingsRevision(t.Context()))(t)
	}
	a := putSetting(t, f, setting(domain.SettingChannel, "a"))
	higher()
	b := putSetting(t, f, setting(domain.SettingSilence, "b"))
	higher()
	ok(t, removeSetting(t, f, a))
	higher()
	again := putSetting(t, f, setting(domain.SettingChannel, "a"))
	higher()
	if again.Revision <= b.Revision || b.Revision <= a.Revision {
		t.Errorf("revisions %d, %d and %d", a.Revision, b.Revision, again.Revision)
	}
}

func settingBounds(t *testing.T, f *fixture) {
	for _, wrong := range []func(*domain.AlertSetting){
		func(s *domain.AlertSetting) { s.Kind = "PIGEON" },
		func(s *domain.AlertSetting) { s.ID = "No" },
		func(s *domain.AlertSetting) { s.ID = "" },
		func(s *domain.AlertSetting) { s.Body = bytes.Repeat([]byte("x"), domain.MaxSettingBody+1) },
		func(s *domain.AlertSetting) { s.Secrets = bytes.Repeat([]byte("x"), domain.MaxSettingSecrets+1) },
	} {
		s := setting(domain.SettingChannel, "ops")
		wrong(&s)
		wantCode(t, putError(t, f, s), domain.CodeInvalid)
	}
	large := setting(domain.SettingWindow, "large")
	large.Body = bytes.Repeat([]byte("x"), domain.MaxSettingBody)
	large.Secrets = bytes.Repeat([]byte("y"), domain.MaxSettingSecrets)
	large.Revision = putSetting(t, f, large).Revision
	equal(t, settings(t, f, large.Kind), []domain.AlertSetting{large})
	var last domain.AlertSetting
	for i := range domain.MaxChannels {
		last = putSetting(t, f, setting(domain.SettingChannel, fmt.Sprint("c-", i)))
	}
	one := setting(domain.SettingChannel, "one-more")
	wantCode(t, putError(t, f, one), domain.CodeConflict)
	putSetting(t, f, setting(domain.SettingRule, "another-kind"))
	last.Body = []byte(`{}`)
	putSetting(t, f, last) // what is there may be replaced
	last.Revision = 0
	ok(t, removeSetting(t, f, last))
	putSetting(t, f, one)
}

func settingTrail(t *testing.T, f *fixture) {
	author := domain.Author{Key: "k1", Name: "Schlüssel", Address: "10.0.0.1"}
	change := func(nonce int64) domain.Change {
		return domain.Change{At: noon, Nonce: nonce, By: author, RequestID: fmt.Sprint("r", nonce)}
	}
	entry := func(nonce int64, action domain.Action) domain.Change {
		c := change(nonce)
		c.Action, c.Detail = action, "SILENCE night"
		return c
	}
	s := setting(domain.SettingSilence, "night")
	db := f.AlertSettings()
	s = must(db.PutAlertSetting(t.Context(), s, change(1)))(t)
	must(db.PutAlertSetting(t.Context(), s, change(2)))(t) // a repeat
	s.Body = []byte(`{}`)
	next := must(db.PutAlertSetting(t.Context(), s, change(3)))(t)
	s.Body = []byte(`{"late":true}`)
	_, err := db.PutAlertSetting(t.Context(), s, change(4))
	wantCode(t, err, domain.CodeConflict)
	wantCode(t, db.DeleteAlertSetting(t.Context(), s.Kind, s.ID, s.Revision, change(5)), domain.CodeConflict)
	ok(t, db.DeleteAlertSetting(t.Context(), s.Kind, s.ID, next.Revision, change(6)))
	ok(t, db.DeleteAlertSetting(t.Context(), s.Kind, s.ID, next.Revision, change(7))) // a repeat
	want := []domain.Change{
		entry(6, domain.ActionSettingDelete), entry(3, domain.ActionSettingUpdate),
		entry(1, domain.ActionSettingCreate),
	}
	for range 2 {
		equal(t, f.changes(t), want)
		f.reopen(t)
	}
}

func settingBacklogs(t *testing.T, f *fixture) {
	backlogs := func() []store.ChannelBacklog {
		t.Helper()
		return must(f.AlertSettings().PendingByChannel(t.Context()))(t)
	}
	equal(t, backlogs(), nil)
	g, other := groupOf(1), groupOf(2)
	a, b, c := messageOf(g, 1, "ops"), messageOf(other, 2, "chat"), messageOf(other, 3, "ops")
	advance(t, f, store.NoticeStep{Made: []domain.Notification{c, b, a}})
	for range 2 {
		equal(t, backlogs(), []store.ChannelBacklog{
			{Channel: "chat", Pending: 1, Oldest: b.ID}, {Channel: "ops", Pending: 2, Oldest: a.ID},
		})
		f.reopen(t)
	}
	a.State, b.State = domain.NotificationDelivered, domain.NotificationUndeliverable
	ok(t, f.Notices().Mark(t.Context(), a))
	ok(t, f.Notices().Mark(t.Context(), b))
	equal(t, backlogs(), []store.ChannelBacklog{{Channel: "ops", Pending: 1, Oldest: c.ID}})
}
