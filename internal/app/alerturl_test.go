package app

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// The URLs of the settings are channels of the kinds that they name, and only webhooks are signed.
func TestChannelsOfSettings(t *testing.T) {
	signing := []webhook.Secret{"whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA=="}
	channels, err := fixedChannels(&config.Config{SigningSecrets: signing, AlertURLs: []config.Secret{
		"https://hooks.example.com/x", "discord://T0KEN-1@123456",
		"smtp://mail.example.com/?from=b@example.com&to=a@example.com",
	}})
	if err != nil {
		t.Fatal(err)
	}
	for i, kind := range []domain.ChannelKind{domain.ChannelWebhook, domain.ChannelDiscord, domain.ChannelEmail} {
		if c := &channels[i]; c.Kind != kind || !c.Default || c.Validate() != nil ||
			(c.Secrets.Signing != nil) != (i == 0) {
			t.Errorf("%+v: %v", c, c.Validate())
		}
	}
	if _, err := fixedChannels(&config.Config{AlertURLs: []config.Secret{"smtp://T0KEN-1"}}); err == nil ||
		!strings.Contains(err.Error(), "BELFRY_ALERT_URL: a URL options.from: is required") ||
		strings.Contains(err.Error(), "T0KEN") {
		t.Error(err)
	}
}
