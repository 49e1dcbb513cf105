package sqlite

import (
	"bytes"
	"path/filepath"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

func secretSetting() domain.AlertSetting {
	return domain.AlertSetting{
		Kind: domain.SettingChannel, ID: "ops", Body: []byte(`{"kind":"WEBHOOK"}`),
		Secrets: []byte(`{"url":"https://hooks.test/` + canary + `"}`),
	}
}

func wantSetting(t *testing.T, s *Store) {
	t.Helper()
	got, err := s.AlertSettings().AlertSetting(t.Context(), domain.SettingChannel, "ops")
	if err != nil || !bytes.Equal(got.Secrets, secretSetting().Secrets) || got.Unread != "" {
		t.Fatalf("%+v, %v", got, err)
	}
}

func putSecret(t *testing.T, s *Store) {
	t.Helper()
	if _, err := s.AlertSettings().PutAlertSetting(t.Context(), secretSetting(), domain.Change{}); err != nil {
		t.Fatal(err)
	}
}

// What was acknowledged is there after a crash, and no file has a secret.
func TestSettingSurvivesKill(t *testing.T) {
	s := newStore(t)
	putSecret(t, s)
	wantNoCanary(t, filepath.Dir(s.cfg.Path))
	after := snapshot(t, s.cfg.Path).restart(t)
	wantSetting(t, after)
	if n, err := after.AlertSettings().AlertSettingsRevision(t.Context()); err != nil || n != 1 {
		t.Errorf("revision %d, %v", n, err)
	}
}

// A rotation seals settings with the new key; a start with a wrong key is refused where they are all that is sealed,
// and one whose key is lost says so.
func TestSettingsAndKeys(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s := openStore(t, path)
	putSecret(t, s)
	first := s.sealer.box.KeyID()
	closeStore(t, s)
	r, err := RotateEncryption(t.Context(), Config{Path: path}, false)
	if err != nil || r.Settings != 1 || r.Versions != 0 || len(r.Retired) != 1 || r.Retired[0] != first {
		t.Fatalf("%+v, %v", r, err)
	}
	wantNoCanary(t, filepath.Dir(path))
	s = openStore(t, path)
	wantSetting(t, s)
	keys := s.sealer.box.Keys()
	closeStore(t, s)
	wrong := seal.NewKey()
	if err := seal.WriteFile(s.cfg.keyFile(), wrong); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), Config{Path: path}); err == nil || !strings.Contains(err.Error(), r.KeyID) {
		t.Errorf("with a wrong key: %v", err)
	}
	if err := seal.WriteFile(s.cfg.keyFile(), wrong, keys[0]); err != nil {
		t.Fatal(err)
	}
	s = openStore(t, path)
	s.background.running.Wait() // it seals with the first one
	create(t, s, secretVersion(0))
	closeStore(t, s)
	sealElsewhere(t, path, 0, keys[0])
	if err := seal.WriteFile(s.cfg.keyFile(), keys[0]); err != nil { // opens the job and not the channel
		t.Fatal(err)
	}
	s = openStore(t, path)
	s.background.running.Wait()
	got, err := s.AlertSettings().AlertSetting(t.Context(), domain.SettingChannel, "ops")
	if err != nil || got.Secrets != nil || !strings.Contains(got.Unread, wrong.ID()) {
		t.Errorf("%+v, %v", got, err)
	}
	closeStore(t, s)
	if r, err := RotateEncryption(t.Context(), Config{Path: path}, false); err != nil || r.Unread != 1 ||
		len(r.Retired) != 0 {
		t.Errorf("%+v, %v", r, err)
	}
	s, err = Open(t.Context(), Config{Path: path, EncryptionKeys: []string{wrong.Reveal()}}) // it is put back
	if err != nil {
		t.Fatal(err)
	}
	wantSetting(t, s)
	closeStore(t, s)
}
