package app

import (
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// settingChannel makes the channel of a URL of BELFRY_ALERT_URL. A webhook is signed with the secrets of the server.
// The error has no part of the URL.
func settingChannel(id, raw string, signing []webhook.Secret) (domain.Channel, error) {
	c, err := domain.ChannelOfURL(id, raw)
	if err != nil {
		return c, fmt.Errorf("BELFRY_ALERT_URL: a URL %w", err)
	}
	c.Default = true
	if c.Kind.Signed() {
		c.Secrets.Signing = signing
	}
	return c, nil
}
