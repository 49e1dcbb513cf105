package domain

import (
	"reflect"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// What is stored of a channel is the channel, and what is not secret there has nothing of what is.
func TestChannelIsStored(t *testing.T) {
	c := Channel{
		ID: "ops", Revision: 4, Kind: ChannelWebhook, Limit: "pay", Default: true, Disabled: true, PerMinute: 7,
		CreatedAt: 1, UpdatedAt: 2, Options: map[string]string{"x": "y"}, Templates: ChannelTemplates{Title: "t"},
		Secrets: ChannelSecrets{
			Values:  map[string]string{"token": "T0KEN-456"},
			URL:     "https://hooks.example.com/T0KEN-123",
			Signing: []webhook.Secret{"whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA=="},
		},
	}
	s := c.Encode()
	if s.Kind != SettingChannel || s.ID != "ops" || s.Revision != 4 || strings.Contains(string(s.Body), "T0KEN") ||
		strings.Contains(string(s.Body), "whsec") {
		t.Errorf("%+v: %s", s, s.Body)
	}
	got, err := DecodeChannel(&s)
	if err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("%+v, %v, want %+v", got, err, c)
	}
	bare := Channel{ID: "bare", Kind: ChannelWebhook}
	if s = bare.Encode(); s.Secrets != nil {
		t.Errorf("%s", s.Secrets)
	}
	s.Unread = "it needs another key"
	if got, err = DecodeChannel(&s); err != nil || got.Unread != s.Unread {
		t.Errorf("%+v, %v", got, err)
	}
	s.Secrets = []byte("T0KEN")
	if got, err = DecodeChannel(&s); err != nil || got.Unread == "" || strings.Contains(got.Unread, "T0KEN") {
		t.Errorf("%+v, %v", got, err)
	}
	s.Body = []byte("{")
	if _, err = DecodeChannel(&s); err == nil || !strings.Contains(err.Error(), "bare") {
		t.Errorf("%v", err)
	}
}
