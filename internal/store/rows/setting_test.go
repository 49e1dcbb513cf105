package rows

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

func settingBox(t *testing.T, keys ...seal.Key) *seal.Box {
	t.Helper()
	box, err := seal.NewBox(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return box
}

// The secrets of a setting open with its key at its place only, and who cannot open them says why.
func TestSettingIsSealed(t *testing.T) {
	old, next := seal.NewKey(), seal.NewKey()
	box, other := settingBox(t, old), settingBox(t, next)
	s := domain.AlertSetting{
		Kind: domain.SettingChannel, ID: "ops", Revision: 3, Body: []byte(`{}`), Secrets: []byte(`{"url":"s3cr3t"}`),
	}
	row, err := EncodeSetting(&s, box)
	if err != nil || strings.Contains(string(row.Secrets+row.Body), "s3cr3t") {
		t.Fatalf("%+v, %v", row, err)
	}
	if got := row.Decode(box); !bytes.Equal(got.Secrets, s.Secrets) || got.Unread != "" || got.Revision != 3 {
		t.Errorf("%+v", got)
	}
	if got := row.Decode(other); got.Secrets != nil || !strings.Contains(got.Unread, "CHANNEL ops") ||
		!strings.Contains(got.Unread, old.ID()) || string(got.Body) != "{}" {
		t.Errorf("with another key %+v", got)
	}
	moved := row
	moved.ID = "other"
	if got := moved.Decode(box); got.Secrets != nil || got.Unread == "" {
		t.Errorf("at another place %+v", got)
	}
	broken := row
	broken.Secrets = "{"
	if got := broken.Decode(box); got.Unread == "" {
		t.Errorf("%+v", got)
	}
	if _, err := moved.Reseal(settingBox(t, next, old)); err == nil {
		t.Error("what cannot be opened was sealed anew")
	}
	both := settingBox(t, next, old)
	for _, want := range []bool{true, false} {
		if changed, err := row.Reseal(both); err != nil || changed != want {
			t.Fatalf("changed %v, %v", changed, err)
		}
	}
	if got := row.Decode(other); !bytes.Equal(got.Secrets, s.Secrets) {
		t.Errorf("sealed anew: %+v", got)
	}
	if got := row.Plain(other); string(got.Secrets) != string(s.Secrets) {
		t.Errorf("plain: %+v", got)
	}
	s.Secrets = nil
	if row, err = EncodeSetting(&s, box); err != nil || row.Secrets != "" {
		t.Errorf("%+v, %v", row, err)
	}
	if changed, err := row.Reseal(both); err != nil || changed {
		t.Errorf("changed %v, %v", changed, err)
	}
	s.Secrets = []byte(strings.Repeat("x", seal.MaxValueBytes+1))
	if _, err := EncodeSetting(&s, box); err == nil || errors.Is(err, errNotJSON) {
		t.Errorf("too long: %v", err)
	}
}
