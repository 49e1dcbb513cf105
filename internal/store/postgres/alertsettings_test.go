package postgres_test

import (
	"bytes"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func secretSetting(id string) domain.AlertSetting {
	return domain.AlertSetting{
		Kind: domain.SettingChannel, ID: id, Body: []byte(`{}`), Secrets: []byte(`{"url":"https://hooks.test/T0KEN"}`),
	}
}

func wantSetting(t *testing.T, s store.Store) {
	t.Helper()
	got, err := s.AlertSettings().AlertSetting(t.Context(), domain.SettingChannel, "ops")
	if err != nil || !bytes.Equal(got.Secrets, secretSetting("ops").Secrets) {
		t.Fatalf("%+v, %v", got, err)
	}
}

// A rotation seals settings with the new key while servers run, and leaves one that it cannot read as it is.
func TestRotationOfSettings(t *testing.T) {
	t.Parallel()
	url := database(t)
	old := mustOpen(t, url, key)
	for _, id := range []string{"ops", "spoiled"} {
		if _, err := old.AlertSettings().PutAlertSetting(t.Context(), secretSetting(id), domain.Change{}); err != nil {
			t.Fatal(err)
		}
	}
	execute(t, url, `UPDATE alert_setting SET secrets = (SELECT o.secrets FROM alert_setting o WHERE o.id = 'ops')
 WHERE id = 'spoiled'`) // sealed for another place
	got, err := old.AlertSettings().AlertSetting(t.Context(), domain.SettingChannel, "spoiled")
	if err != nil || got.Secrets != nil || !strings.Contains(got.Unread, "CHANNEL spoiled") {
		t.Errorf("%+v, %v", got, err)
	}
	done, err := rotate(t, url, other, key)
	if err != nil || done.Settings != 1 || done.Unread != 1 || len(done.Retired) > 0 {
		t.Errorf("rotation %+v, %v", done, err)
	}
	wantSetting(t, mustOpen(t, url, other))
}

// TestSettingsBesideTheBuildBefore: what it does not know may change while it goes on. Its statements about
// notifications are valid after the change of the tables.
func TestSettingsBesideTheBuildBefore(t *testing.T) {
	t.Parallel()
	url := database(t)
	s := mustOpen(t, url, key)
	execute(t, url, `
INSERT INTO notification (id, channel, group_id, state, next_at, doc)
VALUES ('01000000-0000-8000-8000-000000000001', 'env', '01000000-0000-8000-8000-000000000002', 'PENDING', 5, '{}')
    ON CONFLICT DO NOTHING`)
	found, err := s.AlertSettings().PendingByChannel(t.Context())
	if err != nil || len(found) != 1 || found[0].Channel != "env" || found[0].Pending != 1 {
		t.Errorf("%+v, %v", found, err)
	}
}
