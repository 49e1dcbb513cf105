package domain

import (
	"errors"
	"net/url"
	"strings"
)

// channelSchemes say how a channel is made of a URL, as shoutrrr writes them.
var channelSchemes = map[string]func(u *url.URL, c *Channel) error{
	"http": ofWebhook, "https": ofWebhook, "smtp": ofMail, "smtps": ofMail, "slack": ofSlack, "discord": ofDiscord,
	"mattermost": ofHook, "rocketchat": ofHook, "telegram": ofTelegram, "ntfy": ofNtfy, "gotify": ofGotify,
	"pagerduty": ofPagerDuty, "pushover": ofPushover,
}

// ChannelOfURL makes a channel of one URL: http and https are webhooks, the others the kinds of their names. The error
// has no part of the URL.
func ChannelOfURL(id, raw string) (Channel, error) {
	c := Channel{ID: id, Options: map[string]string{}, Secrets: ChannelSecrets{Values: map[string]string{}}}
	u, err := url.Parse(raw)
	if err != nil {
		return c, errors.New("cannot be read as a URL")
	}
	of := channelSchemes[u.Scheme]
	if of == nil {
		return c, errors.New("must begin with one of " + strings.Join(ChannelSchemes(), ", "))
	}
	c.Secrets.URL = raw
	if err = of(u, &c); err != nil {
		return c, err
	}
	err = c.Validate()
	return c, err
}

// ChannelSchemes returns what the URL of a channel may begin with, sorted.
func ChannelSchemes() []string {
	names := make(map[string]string, len(channelSchemes))
	for name := range channelSchemes {
		names[name] = ""
	}
	return sortedNames(names)
}

func ofWebhook(_ *url.URL, c *Channel) error {
	c.Kind = ChannelWebhook
	return nil
}

// set sets an option or a secret that is not empty.
func set(values map[string]string, name, value string) {
	if value != "" {
		values[name] = value
	}
}

// parameter returns a query parameter, whose name may be in any case.
func parameter(u *url.URL, names ...string) string {
	for name, values := range u.Query() {
		for _, wanted := range names {
			if strings.EqualFold(name, wanted) {
				return strings.Join(values, ",")
			}
		}
	}
	return ""
}

// pathParts returns the parts of a path that are not empty.
func pathParts(u *url.URL) []string {
	return strings.FieldsFunc(u.Path, func(r rune) bool { return r == '/' })
}

// server returns the URL of a server with a path; disabletls=yes or scheme=http is without TLS.
func server(u *url.URL, path ...string) string {
	scheme := "https"
	if strings.EqualFold(parameter(u, "disabletls"), "yes") || parameter(u, "scheme") == "http" {
		scheme = "http"
	}
	return (&url.URL{Scheme: scheme, Host: u.Host, Path: strings.Join(append([]string{""}, path...), "/")}).String()
}

// ofMail reads smtp://user:password@host:port/?from=...&to=...,...; smtps is TLS from the first byte on.
func ofMail(u *url.URL, c *Channel) error {
	c.Kind, c.Secrets.URL = ChannelEmail, ""
	set(c.Options, "host", u.Hostname())
	set(c.Options, "port", u.Port())
	set(c.Options, "from", parameter(u, "from", "fromaddress"))
	set(c.Options, "to", parameter(u, "to", "toaddresses"))
	set(c.Options, "helo", parameter(u, "clienthost"))
	switch encryption := strings.ToLower(parameter(u, "encryption")); {
	case encryption == "none":
		c.Options["security"] = MailNone
	case encryption == "implicittls", u.Scheme == "smtps", encryption == "" && u.Port() == MailPorts[MailTLS]:
		c.Options["security"] = MailTLS
	}
	if password, given := u.User.Password(); given {
		set(c.Options, "user", u.User.Username())
		set(c.Secrets.Values, "password", password)
	}
	return nil
}

// ofSlack reads slack://hook:A-B-C@webhook.
func ofSlack(u *url.URL, c *Channel) error {
	token, _ := u.User.Password()
	three := strings.Split(token, "-")
	if u.User.Username() != "hook" || len(three) != 3 {
		return errors.New("must be as slack://hook:A-B-C@webhook")
	}
	c.Kind = ChannelSlack
	c.Secrets.URL = (&url.URL{Scheme: "https", Host: "hooks.slack.com", Path: "/services/" + strings.Join(three,
		"/")}).String()
	return nil
}

// ofDiscord reads discord://token@id.
func ofDiscord(u *url.URL, c *Channel) error {
	if u.User.Username() == "" || u.Host == "" {
		return errors.New("must be as discord://TOKEN@ID")
	}
	c.Kind = ChannelDiscord
	c.Secrets.URL = (&url.URL{Scheme: "https", Host: "discord.com",
		Path: "/api/webhooks/" + u.Host + "/" + u.User.Username()}).String()
	return nil
}

// ofHook reads mattermost://host/token[/channel] and rocketchat://host/a/b[/channel].
func ofHook(u *url.URL, c *Channel) error {
	n, parts := 1, pathParts(u)
	if u.Scheme == "rocketchat" {
		n = 2
	}
	if len(parts) < n || len(parts) > n+1 {
		return errors.New("must be as mattermost://HOST/TOKEN or rocketchat://HOST/TOKEN/TOKEN")
	}
	c.Kind, c.Options["format"] = ChannelSlack, "ATTACHMENTS"
	if len(parts) > n {
		c.Options["channel"] = parts[n]
	}
	c.Secrets.URL = server(u, append([]string{"hooks"}, parts[:n]...)...)
	return nil
}

// ofTelegram reads telegram://token@telegram?chats=chat.
func ofTelegram(u *url.URL, c *Channel) error {
	chat := parameter(u, "chats", "channels")
	if strings.Contains(chat, ",") {
		return errors.New("must name one chat: give the URL once for each of them")
	}
	c.Kind, c.Secrets.URL = ChannelTelegram, ""
	set(c.Options, "chatId", chat)
	set(c.Secrets.Values, "token", strings.ReplaceAll(u.User.String(), "%3A", ":"))
	return nil
}

// ofNtfy reads ntfy://[user:password@]host/topic.
func ofNtfy(u *url.URL, c *Channel) error {
	c.Kind, c.Secrets.URL = ChannelNtfy, server(u)
	set(c.Secrets.Values, "topic", strings.Join(pathParts(u), "/"))
	password, _ := u.User.Password()
	if user := u.User.Username(); user != "" {
		set(c.Options, "user", user)
		set(c.Secrets.Values, "password", password)
	} else {
		set(c.Secrets.Values, "token", password)
	}
	return nil
}

// ofGotify reads gotify://host[/path]/token.
func ofGotify(u *url.URL, c *Channel) error {
	parts := pathParts(u)
	if len(parts) == 0 {
		return errors.New("must be as gotify://HOST/TOKEN")
	}
	last := len(parts) - 1
	c.Kind, c.Secrets.URL = ChannelGotify, server(u, parts[:last]...)
	set(c.Secrets.Values, "token", parts[last])
	return nil
}

// ofPagerDuty reads pagerduty://[host]/key.
func ofPagerDuty(u *url.URL, c *Channel) error {
	c.Kind, c.Secrets.URL = ChannelPagerDuty, ""
	if u.Host != "" {
		c.Secrets.URL = server(u, "v2", "enqueue")
	}
	set(c.Secrets.Values, "routingKey", strings.Join(pathParts(u), "/"))
	return nil
}

// ofPushover reads pushover://shoutrrr:token@user[/?devices=...].
func ofPushover(u *url.URL, c *Channel) error {
	c.Kind, c.Secrets.URL = ChannelPushover, ""
	token, _ := u.User.Password()
	set(c.Secrets.Values, "token", token)
	set(c.Secrets.Values, "userKey", u.Host)
	set(c.Options, "device", parameter(u, "devices"))
	return nil
}
