package domain

import (
	"encoding/json"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// storedSecrets are the secrets of a channel as they are sealed.
type storedSecrets struct {
	ChannelSecrets
	Signing []string `json:"signing,omitempty"`
}

// Encode returns the channel as it is stored.
func (c *Channel) Encode() AlertSetting {
	s := AlertSetting{Kind: SettingChannel, ID: c.ID, Revision: c.Revision}
	s.Body, _ = json.Marshal(c) // has no value without a form in JSON
	secrets := storedSecrets{ChannelSecrets: c.Secrets}
	for _, secret := range c.Secrets.Signing {
		secrets.Signing = append(secrets.Signing, secret.Reveal())
	}
	if doc, _ := json.Marshal(secrets); string(doc) != "{}" {
		s.Secrets = doc
	}
	return s
}

// DecodeChannel returns the channel that is stored. The error has nothing of its secrets.
func DecodeChannel(s *AlertSetting) (c Channel, err error) {
	if err := json.Unmarshal(s.Body, &c); err != nil {
		return c, fmt.Errorf("channel %s cannot be read: %w", s.ID, err)
	}
	c.ID, c.Revision, c.Unread = s.ID, s.Revision, s.Unread
	if s.Secrets == nil {
		return c, nil
	}
	var secrets storedSecrets
	if json.Unmarshal(s.Secrets, &secrets) != nil {
		c.Unread = "its secrets are no JSON"
		return c, nil //nolint:nilerr // the channel is there, and says that it cannot be used
	}
	c.Secrets = secrets.ChannelSecrets
	for _, secret := range secrets.Signing {
		c.Secrets.Signing = append(c.Secrets.Signing, webhook.Secret(secret))
	}
	return c, nil
}

// UnreadChannel stands for a channel that is stored and that this build cannot read: a newer one has stored it.
func UnreadChannel(s *AlertSetting) Channel {
	return Channel{ID: s.ID, Revision: s.Revision, Unread: "this build cannot read it"}
}
