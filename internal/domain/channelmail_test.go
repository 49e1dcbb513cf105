package domain

import (
	"strings"
	"testing"
)

func TestMailFields(t *testing.T) {
	valid := func() Channel {
		return Channel{ID: "c", Kind: ChannelEmail, Options: map[string]string{
			"host": "mail.example.com", "from": "Belfry <belfry@example.com>", "to": "a@example.com, b@example.com",
		}, Secrets: ChannelSecrets{Values: map[string]string{}}}
	}
	for name, c := range map[string]struct {
		set  map[string]string
		want string
	}{
		"as it is": {nil, ""}, "an address": {map[string]string{"host": "192.0.2.1"}, ""},
		"of IPv6":        {map[string]string{"host": "2001:db8::1"}, ""},
		"a port in it":   {map[string]string{"host": "mail.example.com:25"}, "options.host: "},
		"a path in it":   {map[string]string{"host": "mail.example.com/x"}, "options.host: "},
		"a port":         {map[string]string{"port": "2525"}, ""},
		"no port":        {map[string]string{"port": "0"}, "options.port: "},
		"a large port":   {map[string]string{"port": "65536"}, "options.port: "},
		"security":       {map[string]string{"security": "SSL"}, "options.security: "},
		"no sender":      {map[string]string{"from": "belfry"}, "options.from: "},
		"a header in it": {map[string]string{"from": "belfry@example.com\r\nBcc: x@example.com"}, "options.from: "},
		"no recipient":   {map[string]string{"to": "nobody"}, "options.to: "},
		"many recipients": {map[string]string{"to": strings.Repeat("a@example.com,", 50) + "a@example.com"},
			"options.to: "},
		"a prefix":         {map[string]string{"subjectPrefix": "[Belfry]\n"}, "options.subjectPrefix: "},
		"a user alone":     {map[string]string{"user": "u"}, "options.user: "},
		"a password alone": {map[string]string{"password": "T0KEN"}, "options.user: "},
		"a login":          {map[string]string{"user": "u", "password": "T0KEN"}, ""},
		"a login in clear": {map[string]string{"user": "u", "password": "T0KEN", "security": "NONE"},
			"options.security: "},
		"clear, no login":   {map[string]string{"security": "NONE"}, ""},
		"a name of its own": {map[string]string{"helo": "belfry.example.com"}, ""},
	} {
		channel := valid()
		for field, value := range c.set {
			if field == "password" {
				channel.Secrets.Values[field] = value
			} else {
				channel.Options[field] = value
			}
		}
		err := channel.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)) {
			t.Errorf("%s: %v", name, err)
		}
	}
	got := MailRecipients(`a@example.com, "O, Brien" <b@example.com>`)
	if len(got) != 2 || got[0] != "<a@example.com>" || got[1] != `"O, Brien" <b@example.com>` {
		t.Errorf("%q", got)
	}
}
