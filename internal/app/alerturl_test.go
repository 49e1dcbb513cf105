package app

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// The URLs of the settings are channels of the kinds that they name, and only webhooks are signed.
func TestChannelsOfSettings(t *testing.T) {
	signing := []webhook.Secret{"whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA=="}
	for raw, kind := range map[string]domain.ChannelKind{
		"https://hooks.example.com/x": domain.ChannelWebhook, "discord://T0KEN-1@123456": domain.ChannelDiscord,
		"smtp://mail.example.com/?from=b@example.com&to=a@example.com": domain.ChannelEmail,
	} {
		c, err := settingChannel("env", raw, signing)
		if signed := c.Secrets.Signing != nil; err != nil || c.Kind != kind || !c.Default || c.Validate() != nil ||
			signed != (kind == domain.ChannelWebhook) {
			t.Errorf("%s: %+v, %v", raw, c, err)
		}
	}
	if _, err := settingChannel("env", "smtp://T0KEN-1", nil); err == nil ||
		!strings.Contains(err.Error(), "BELFRY_ALERT_URL: a URL options.from: is required") ||
		strings.Contains(err.Error(), "T0KEN") {
		t.Error(err)
	}
}
