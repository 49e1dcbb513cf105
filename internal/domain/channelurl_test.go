package domain

import (
	"maps"
	"strings"
	"testing"
)

func TestChannelOfURL(t *testing.T) {
	type values = map[string]string
	key := "T0KEN0123456789abcdef0123456789a"
	for raw, want := range map[string]struct {
		kind    ChannelKind
		url     string
		options values
		secrets values
	}{
		"https://hooks.example.com/T0KEN-1": {ChannelWebhook, "https://hooks.example.com/T0KEN-1", nil, nil},
		"slack://hook:T0KEN1-B2-C3@webhook": {ChannelSlack, "https://hooks.slack.com/services/T0KEN1/B2/C3", nil, nil},
		"discord://T0KEN-1@123456": {ChannelDiscord, "https://discord.com/api/webhooks/123456/T0KEN-1", nil,
			nil},
		"mattermost://bot@chat.example.com:8065/T0KEN-1/ops?disabletls=yes": {ChannelSlack,
			"http://chat.example.com:8065/hooks/T0KEN-1", values{"format": "ATTACHMENTS", "channel": "ops"}, nil},
		"rocketchat://chat.example.com/T0KEN-1/T0KEN-2": {ChannelSlack,
			"https://chat.example.com/hooks/T0KEN-1/T0KEN-2",
			values{"format": "ATTACHMENTS"}, nil},
		"telegram://110201543:T0KEN-1@telegram?chats=@ops": {ChannelTelegram, "", values{"chatId": "@ops"},
			values{"token": "110201543:T0KEN-1"}},
		"ntfy://phil:T0KEN-1@ntfy.example.com/T0KEN-2": {ChannelNtfy, "https://ntfy.example.com",
			values{"user": "phil"},
			values{"topic": "T0KEN-2", "password": "T0KEN-1"}},
		"ntfy://:tk_T0KEN@ntfy.sh/T0KEN-2": {ChannelNtfy, "https://ntfy.sh", nil,
			values{"topic": "T0KEN-2", "token": "tk_T0KEN"}},
		"gotify://push.example.com/sub/T0KEN-1": {ChannelGotify, "https://push.example.com/sub", nil,
			values{"token": "T0KEN-1"}},
		"pagerduty:///" + key: {ChannelPagerDuty, "", nil, values{"routingKey": key}},
		"pagerduty://events.eu.pagerduty.com/" + key: {ChannelPagerDuty, "https://events.eu.pagerduty.com/v2/enqueue",
			nil, values{"routingKey": key}},
		"pushover://shoutrrr:T0KEN-1@T0KEN-u/?devices=a,b": {ChannelPushover, "", values{"device": "a,b"},
			values{"token": "T0KEN-1", "userKey": "T0KEN-u"}},
		"smtp://bob:T0KEN%2F1@mail.example.com:2525/?from=b@example.com&to=a@example.com,c@example.com": {ChannelEmail,
			"",
			values{"host": "mail.example.com", "port": "2525", "from": "b@example.com",
				"to":   "a@example.com,c@example.com",
				"user": "bob"}, values{"password": "T0KEN/1"}},
		"smtps://mail.example.com/?fromAddress=b@example.com&toAddresses=a@example.com": {ChannelEmail, "",
			values{"host": "mail.example.com", "from": "b@example.com", "to": "a@example.com", "security": "TLS"}, nil},
		"smtp://[::1]:25/?from=b@example.com&to=a@example.com&encryption=None&clienthost=b.example.com": {ChannelEmail,
			"", values{"host": "::1", "port": "25", "from": "b@example.com", "to": "a@example.com", "security": "NONE",
				"helo": "b.example.com"}, nil},
		"smtp://mail.example.com:465/?from=b@example.com&to=a@example.com": {ChannelEmail, "", values{
			"host": "mail.example.com", "port": "465", "from": "b@example.com", "to": "a@example.com",
			"security": "TLS"}, nil},
	} {
		c, err := ChannelOfURL("env", raw)
		if err != nil || c.Kind != want.kind || c.Secrets.URL != want.url || !maps.Equal(c.Options, want.options) ||
			!maps.Equal(c.Secrets.Values, want.secrets) {
			t.Errorf("%s: %+v, %v", raw, c, err)
		}
		if strings.Contains(c.Target(), "T0KEN") || c.Target() == "" {
			t.Errorf("%s: the target is %q", raw, c.Target())
		}
	}
	for raw, want := range map[string]string{
		"ftp://T0KEN-1": "must begin with one of discord, gotify, http, https, ", "T0KEN-1": "must begin with one of",
		"mqtt://T0KEN-1": "must begin with", "https://": "secrets.url: ", "gotify://T0KEN-1/\x00": "cannot be read",
		"smtp://T0KEN-1/?from=b@example.com": "options.to: is required", "slack://T0KEN-1": "must be as slack",
		"discord://T0KEN-1": "must be as discord", "mattermost://T0KEN-1": "must be as mattermost",
		"gotify://T0KEN-1": "must be as gotify", "telegram://1:T0KEN@telegram?chats=1,2": "must name one chat",
		"pushover://T0KEN-1": "secrets.token: is required", "ntfy://T0KEN-1": "secrets.topic: is required",
		"pagerduty://T0KEN-1/T0KEN": "secrets.routingKey: ",
		"smtp://u:T0KEN-1@mail.example.com/?from=b@example.com&to=a@example.com&encryption=None": "without encryption",
	} {
		if _, err := ChannelOfURL("env", raw); err == nil || !strings.Contains(err.Error(), want) ||
			strings.Contains(err.Error(), "T0KEN") {
			t.Errorf("%s: %v", raw, err)
		}
	}
}
