package domain

import (
	"encoding/base64"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// validChannels has a channel of each kind with all of its fields, as documents have them.
func validChannels() map[ChannelKind]Channel {
	channel := func(kind ChannelKind, url string, options, secrets map[string]string) Channel {
		return Channel{ID: "c", Kind: kind, Options: options, Secrets: ChannelSecrets{URL: url, Values: secrets}}
	}
	type values = map[string]string
	all := map[ChannelKind]Channel{
		ChannelWebhook: channel(ChannelWebhook, "https://hooks.example.com/T0KEN-of-a-webhook", nil, nil),
		ChannelSlack: channel(ChannelSlack, "https://hooks.slack.com/services/T000/B000/T0KEN-of-slack",
			values{"format": "ATTACHMENTS", "channel": "#ops"}, nil),
		ChannelTeams: channel(ChannelTeams, "https://prod.example.com/workflows/ab?sig=T0KEN-of-teams", nil, nil),
		ChannelDiscord: channel(ChannelDiscord, "https://discord.com/api/webhooks/12345678/T0KEN-of-discord", nil,
			nil),
		ChannelTelegram: channel(ChannelTelegram, "https://bots.example.com", values{"chatId": "-100123",
			"threadId": "7"},
			values{"token": "110201543:T0KEN-of-a-bot"}),
		ChannelNtfy: channel(ChannelNtfy, "https://ntfy.example.com", values{"user": "phil"},
			values{"topic": "T0KEN-topic", "token": "tk_T0KEN", "password": "T0KEN pass"}),
		ChannelEmail: channel(ChannelEmail, "", values{"host": "mail.example.com", "port": "2525", "security": "TLS",
			"from": "belfry@example.com", "to": "ops@example.com", "subjectPrefix": "[Belfry]", "user": "belfry",
			"helo": "belfry.example.com"}, values{"password": "T0KEN-of-mail"}),
		ChannelGotify: channel(ChannelGotify, "https://push.example.com", nil, values{"token": "T0KEN-of-gotify"}),
		ChannelPushover: channel(ChannelPushover, "https://push.example.com", values{"device": "phone"},
			values{"token": "T0KEN-of-push", "userKey": "T0KEN-of-user"}),
		ChannelPagerDuty: channel(ChannelPagerDuty, "https://events.eu.pagerduty.com/v2/enqueue", nil,
			values{"routingKey": "T0KEN0123456789abcdef0123456789a"}),
		ChannelAlertmanager: channel(ChannelAlertmanager, "http://am:9093", values{"labels": "team=ops,site=fra",
			"user": "belfry"}, values{"token": "T0KEN-bearer", "password": "T0KEN-basic"}),
		ChannelSMS: channel(ChannelSMS, "https://sms.example.com", values{
			"accountSid": "AC0123456789abcdef0123456789abcdef", "user": "SK12", "from": "+4930123456",
			"to": "+4917012345",
		}, values{"token": "T0KEN-of-twilio"}),
	}
	return all
}

// Each kind has fields, a channel of all of them is valid, and one without what is required is not.
func TestFieldsOfChannelKinds(t *testing.T) {
	valid := validChannels()
	for _, kind := range ChannelKinds {
		c, known := valid[kind]
		if !known {
			t.Errorf("%s has no channel here", kind)
			continue
		}
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		for _, f := range kind.Fields() {
			checkField(t, c, f)
		}
		if c.Target() == "" || strings.Contains(c.Target(), "T0KEN") {
			t.Errorf("%s: the target is %q", kind, c.Target())
		}
	}
	if ChannelKind("PIGEON").Fields() != nil {
		t.Error("an unknown kind has fields")
	}
}

// checkField takes a field away, spoils it, and puts it where it does not belong.
func checkField(t *testing.T, c Channel, f ChannelField) {
	t.Helper()
	path := "options." + f.Name
	set := func(c *Channel, value string) {
		if f.Name == FieldURL {
			c.Secrets.URL = value
			return
		}
		c.Options, c.Secrets.Values = cloned(c.Options), cloned(c.Secrets.Values)
		if f.Secret {
			c.Secrets.Values[f.Name] = value
		} else {
			c.Options[f.Name] = value
		}
	}
	if f.Secret {
		path = "secrets." + f.Name
	}
	if f.Help == "" {
		t.Errorf("%s %s has no help", c.Kind, f.Name)
	}
	for _, value := range []string{"", "T0KEN\r\nBcc: x@example.com", "T0KEN" + strings.Repeat("x", 5_000)} {
		changed := c
		set(&changed, value)
		err := changed.Validate()
		required := f.Required || c.Kind == ChannelEmail && (f.Name == "user" || f.Name == "password") // both or none
		want := value != "" || required
		switch {
		case (err != nil) != want, err != nil && value != "" && !strings.Contains(err.Error(), path+": "),
			err != nil && f.Secret && strings.Contains(err.Error(), "T0KEN"):
			t.Errorf("%s with %s %.20q: %v", c.Kind, f.Name, value, err)
		}
	}
	if f.Name == FieldURL {
		return
	}
	misplaced := c
	misplaced.Options, misplaced.Secrets.Values = cloned(c.Options), cloned(c.Secrets.Values)
	if f.Secret {
		misplaced.Options[f.Name] = "something"
	} else {
		misplaced.Secrets.Values[f.Name] = "something"
	}
	if err := misplaced.Validate(); err == nil || !strings.Contains(err.Error(), "belongs to the") {
		t.Errorf("%s with %s in the wrong place: %v", c.Kind, f.Name, err)
	}
}

func cloned(values map[string]string) map[string]string {
	out := map[string]string{}
	for name, value := range values {
		out[name] = value
	}
	return out
}

// A value that no service takes is refused, and one that a kind does not know.
func TestChannelFieldsAreChecked(t *testing.T) {
	for name, c := range map[string]struct {
		kind   ChannelKind
		change func(*Channel)
		want   string
	}{
		"an unknown option": {ChannelWebhook, func(c *Channel) { c.Options = map[string]string{"to": "x"} },
			"options.to: "},
		"an unknown secret": {ChannelWebhook, func(c *Channel) { c.Secrets.Values = map[string]string{"key": "T0KEN"} },
			"secrets.key: "},
		"no signature": {ChannelSlack, func(c *Channel) { c.Secrets.Signing = []webhook.Secret{testSigning} },
			"signingSecrets: "},
		"a bad format": {ChannelSlack, func(c *Channel) { c.Options["format"] = "HTML" },
			"must be one of BLOCKS, ATTACHMENTS"},
		"two numbers": {ChannelSMS, func(c *Channel) { c.Options["to"] = "+4917012345,+4917012346" }, "options.to: "},
		"a short key": {ChannelPagerDuty, func(c *Channel) { c.Secrets.Values["routingKey"] = "T0KEN" },
			"secrets.routingKey: "},
		"a short token": {ChannelNtfy, func(c *Channel) { c.Secrets.Values["token"] = "abc" }, "cannot be hidden"},
		"a chat name":   {ChannelTelegram, func(c *Channel) { c.Options["chatId"] = "ops" }, "options.chatId: "},
		"a label":       {ChannelAlertmanager, func(c *Channel) { c.Options["labels"] = "team" }, "options.labels: "},
		"a long title": {ChannelTeams, func(c *Channel) { c.Templates.Title = strings.Repeat("x", 9_000) },
			"templates.title: "},
		"a long text": {ChannelTeams, func(c *Channel) { c.Templates.Text = strings.Repeat("x", 9_000) },
			"templates.text: "},
	} {
		channel := validChannels()[c.kind]
		c.change(&channel)
		if err := channel.Validate(); err == nil || !strings.Contains(err.Error(), c.want) ||
			strings.Contains(err.Error(), "T0KEN") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

const testSigning = "whsec_YSBzZWNyZXQgb2YgMjQgYnl0ZXMgeHh4eA=="

// Nothing that is secret is shown, in whichever form a receiver repeats it.
func TestSecretsOfChannelsAreHidden(t *testing.T) {
	for kind, c := range validChannels() {
		var secrets []string
		if c.Secrets.URL != "" {
			secrets = []string{c.Secrets.URL}
		}
		for _, value := range c.Secrets.Values {
			secrets = append(secrets, value, base64.StdEncoding.EncodeToString([]byte(c.Options["user"]+":"+value)))
		}
		for _, secret := range secrets {
			for form, text := range map[string]string{
				"as it is": secret, "in a query": url.QueryEscape(secret), "in a path": url.PathEscape(secret),
			} {
				if got := c.Hide("<" + text + ">"); got != "<"+webhook.Mask+">" && strings.Contains(got, "T0KEN") ||
					got == "<"+text+">" {
					t.Errorf("%s %s: %s", kind, form, got)
				}
			}
		}
	}
}

// The parts of a URL are hidden as they are written and as they are meant: tokens, user names and passwords.
func TestPartsOfURLsAreHidden(t *testing.T) {
	c := Channel{Kind: ChannelWebhook, Secrets: ChannelSecrets{
		URL: "https://us%23er:pa%2Fss@hooks.example.com/a%20token%2Bx/v1?key=k%3Dey-1&bare-token#fragment-1",
	}}
	for _, text := range []string{
		"us#er", "us%23er", "pa/ss", "pa%2Fss", "a token+x", "a%20token%2Bx", "a%20token+x", "k=ey-1", "k%3Dey-1",
		"bare-token", "fragment-1", base64.StdEncoding.EncodeToString([]byte("us#er:pa/ss")),
	} {
		if got := c.Hide("said " + text + "!"); got != "said "+webhook.Mask+"!" {
			t.Errorf("%s: %s", text, got)
		}
	}
	if got := c.Hide("v1 of hooks.example.com"); got != "v1 of hooks.example.com" {
		t.Errorf("hidden: %s", got)
	}
	texts := c.Texts()
	if !slices.IsSortedFunc(texts, func(a, b string) int { return len(b) - len(a) }) {
		t.Error("a part is replaced before the whole")
	}
	broken := Channel{Secrets: ChannelSecrets{URL: "::T0KEN-0123"}}
	if got := broken.Hide("parse ::T0KEN-0123"); strings.Contains(got, "T0KEN") {
		t.Errorf("a URL that cannot be read is shown: %s", got)
	}
}
