package app

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"log/slog"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// What is stored holds beside the settings within a second, is read anew only when it has changed, and is left out
// where this build cannot read it.
func TestAlertSettings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		db, err := memory.NewDisk(clock.System{}).Open()
		if err != nil {
			t.Fatal(err)
		}
		s := faulty.New(db, 1)
		var log bytes.Buffer
		settings := &alertSettings{
			stored: s.AlertSettings(), clock: clock.System{}, log: slog.New(slog.NewTextHandler(&log, nil)),
			fixed: []domain.Channel{{ID: "env-1"}},
		}
		channels := func() (ids []string) {
			t.Helper()
			now, err := settings.now(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			for i := range now.Channels {
				ids = append(ids, now.Channels[i].ID)
			}
			return ids
		}
		want := func(ids string) {
			t.Helper()
			if got := strings.Join(channels(), " "); got != ids {
				t.Errorf("channels %q, want %q", got, ids)
			}
		}
		put := func(set domain.AlertSetting) {
			t.Helper()
			if _, err := s.AlertSettings().PutAlertSetting(t.Context(), set, domain.Change{}); err != nil {
				t.Fatal(err)
			}
		}
		want("env-1")
		ops := domain.Channel{ID: "ops", Kind: domain.ChannelWebhook}
		put(ops.Encode())
		want("env-1") // as it was read
		time.Sleep(time.Second)
		want("env-1 ops")
		read := s.Count("AlertSettings.AlertSettings").Calls
		for range 5 {
			time.Sleep(time.Second)
			want("env-1 ops")
		}
		if again := s.Count("AlertSettings.AlertSettings").Calls; again != read {
			t.Errorf("read %d times while nothing had changed", again-read)
		}
		put(domain.AlertSetting{Kind: domain.SettingChannel, ID: "later", Body: []byte(`{"kind":7}`)})
		time.Sleep(time.Second)
		want("env-1 later ops")
		if now, err := settings.now(t.Context()); err != nil || now.Channels[1].Unread == "" {
			t.Errorf("%+v, %v", now.Channels, err)
		}
		if !strings.Contains(log.String(), "id=later") {
			t.Errorf("the log: %s", log.String())
		}
		s.Add(faulty.Rule{Method: "AlertSettings.AlertSettingsRevision", Times: 1})
		time.Sleep(time.Second)
		if _, err := settings.now(t.Context()); err == nil {
			t.Error("a store that cannot be read is no error")
		}
		want("env-1 later ops")
	})
}

// Of a rule that this build cannot read it is known that it is there. If it has the place of one that is there without
// being made, that one holds.
func TestARuleOfANewerBuild(t *testing.T) {
	db, err := memory.NewDisk(clock.System{}).Open()
	if err != nil {
		t.Fatal(err)
	}
	for id, body := range map[string]string{
		"a": `{"when":{"kind":"NOT_THERE_YET"},"level":"INFO","by":"JOB"}`, "b": `{"level":7}`,
		domain.DefaultRuleID: `{"level":7}`, alert.UndeliverableRuleID: `{"level":7}`,
	} {
		set := domain.AlertSetting{Kind: domain.SettingRule, ID: id, Body: []byte(body)}
		if _, err := db.AlertSettings().PutAlertSetting(t.Context(), set, domain.Change{}); err != nil {
			t.Fatal(err)
		}
	}
	settings := &alertSettings{stored: db.AlertSettings(), clock: clock.System{}, log: slog.New(slog.DiscardHandler)}
	now, err := settings.now(t.Context())
	if err != nil || len(now.Rules) != 4 {
		t.Fatal(now.Rules, err)
	}
	for i := range now.Rules {
		r := &now.Rules[i]
		unread := r.ID == "a" || r.ID == "b"
		if is, builtIn := alert.BuiltInRule(r.ID); builtIn == unread || builtIn && !reflect.DeepEqual(*r, is) {
			t.Errorf("%+v", r)
		}
		if (r.Unread != "") != unread || unread && r.Applies(domain.JobID{}, nil) {
			t.Errorf("%+v", r)
		}
	}
}

// The id of a channel of the settings follows from its URL, wherever it stands, and shows nothing of it.
func TestFixedChannels(t *testing.T) {
	const a, b = "https://hooks.example.com/T0KEN-a", "https://hooks.example.com/T0KEN-b"
	ids := func(urls ...config.Secret) (ids []string, former map[string]string) {
		channels, former, err := fixedChannels(&config.Config{AlertURLs: urls})
		if err != nil {
			t.Fatal(err)
		}
		for i := range channels {
			if c := &channels[i]; !domain.ValidAlertID(c.ID) || !c.Default || !strings.HasPrefix(c.ID, "env-") {
				t.Errorf("%+v", c.ID)
			}
			ids = append(ids, channels[i].ID)
		}
		return ids, former
	}
	first, former := ids(a, b)
	second, _ := ids(b, a)
	if len(first) != 2 || first[0] != second[1] || first[1] != second[0] || first[0] == first[1] {
		t.Errorf("%q and %q", first, second)
	}
	if sum := sha256.Sum256([]byte("belfry channel\x00" + a)); former["env-"+hex.EncodeToString(sum[:5])] != first[0] ||
		first[0] == "env-"+hex.EncodeToString(sum[:5]) {
		t.Errorf("%q is as quick to guess as the id before: %v", first[0], former)
	}
	if former["env"] != first[0] || former["env-2"] != first[1] {
		t.Errorf("%v", former)
	}
	if twice, former := ids(a, a); len(twice) != 1 || former["env-2"] != twice[0] {
		t.Errorf("%q, %v", twice, former)
	}
}
