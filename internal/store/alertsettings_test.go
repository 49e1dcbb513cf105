package store_test

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func TestPutsSetting(t *testing.T) {
	is := domain.AlertSetting{Kind: domain.SettingRule, ID: "r", Revision: 5, Body: []byte("a"), Secrets: []byte("s")}
	put := func(revision int64, body, secrets string) domain.AlertSetting {
		return domain.AlertSetting{
			Kind: domain.SettingRule, ID: "r", Revision: revision, Body: []byte(body), Secrets: []byte(secrets),
		}
	}
	unread := is
	unread.Secrets, unread.Unread = nil, "another key"
	for _, c := range []struct {
		name   string
		is     *domain.AlertSetting
		put    domain.AlertSetting
		number int
		want   domain.Action
		code   domain.Code
	}{
		{"new", nil, put(0, "a", ""), domain.MaxAlertRules - 1, domain.ActionSettingCreate, ""},
		{"one too many", nil, put(0, "a", ""), domain.MaxAlertRules, "", domain.CodeConflict},
		{"gone", nil, put(5, "a", ""), 0, "", domain.CodeConflict},
		{"a repeat", &is, put(4, "a", "s"), 1, "", ""},
		{"a repeat of the first", &is, put(0, "a", "s"), domain.MaxAlertRules, "", ""},
		{"its revision", &is, put(5, "b", "s"), domain.MaxAlertRules, domain.ActionSettingUpdate, ""},
		{"other secrets", &is, put(5, "a", ""), 1, domain.ActionSettingUpdate, ""},
		{"another revision", &is, put(4, "b", "s"), 1, "", domain.CodeConflict},
		{"there is one", &is, put(0, "b", "s"), 1, "", domain.CodeConflict},
		{"not readable, and nothing to compare", &unread, put(4, "a", ""), 1, "", domain.CodeConflict},
		{"not readable", &unread, put(5, "a", ""), 1, domain.ActionSettingUpdate, ""},
	} {
		got, err := store.PutsSetting(c.is, &c.put, c.number)
		if got != c.want || (err == nil) != (c.code == "") || err != nil && domain.ErrorCode(err) != c.code {
			t.Errorf("%s: %q, %v", c.name, got, err)
		}
	}
}
