package sqlite

import (
	"bytes"
	"context"
	"errors"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
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

// endsWhenRun is a context that ends when the writer has looked at it and begins the operation.
type endsWhenRun struct {
	context.Context
	once sync.Once
	done chan struct{}
}

func (c *endsWhenRun) Done() <-chan struct{} { return c.done }

func (c *endsWhenRun) Err() (err error) {
	err = context.Canceled
	c.once.Do(func() {
		close(c.done)
		err = nil
	})
	return err
}

// A write that runs when its caller has gone on shares nothing with the caller: the race detector sees it.
func TestWritesThatNobodyWaitsFor(t *testing.T) {
	s := newStore(t)
	rule := domain.AlertSetting{Kind: domain.SettingRule, ID: "often", Body: []byte(`{}`)}
	putRule := func(ctx context.Context) error {
		kept, err := s.AlertSettings().PutAlertSetting(ctx, rule, domain.Change{})
		if kept.ID != "" {
			t.Errorf("an error and %+v", kept)
		}
		return err
	}
	g := domain.Group{ID: domain.GroupID{1}, Rule: "often", State: domain.GroupOpen, Key: "k", By: domain.ByJob}
	made := domain.Notification{
		ID: domain.NotificationID{1}, Channel: "ops", Group: g.ID, State: domain.NotificationPending, CreatedAt: 1,
	}
	for _, write := range []struct {
		name string
		do   func(ctx context.Context) error
	}{
		{"put", putRule}, {"put what is there", putRule},
		{"delete", func(ctx context.Context) error {
			return s.AlertSettings().DeleteAlertSetting(ctx, domain.SettingRule, "often", 0, domain.Change{})
		}},
		{"advance", func(ctx context.Context) error {
			return s.Notices().Advance(ctx, store.NoticeStep{
				At: 1, Groups: []domain.Group{g}, Made: []domain.Notification{made},
			})
		}},
		{"mark", func(ctx context.Context) error { return s.Notices().Mark(ctx, made) }},
		{"lost", func(ctx context.Context) error {
			_, err := s.Alerts().AddLost(ctx, []domain.Loss{{ScheduledAt: 1}}, 2)
			return err
		}},
		{"expire", func(ctx context.Context) error {
			_, err := s.Notices().ExpireNotices(ctx, 1)
			return err
		}},
	} {
		ctx := &endsWhenRun{Context: t.Context(), done: make(chan struct{})}
		if err := write.do(ctx); !errors.Is(err, context.Canceled) && err != nil {
			t.Errorf("%s: %v", write.name, err)
		}
		putSecret(t, s) // after it
	}
}
