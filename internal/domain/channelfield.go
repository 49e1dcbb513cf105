package domain

import (
	"regexp"
	"slices"
	"strings"
)

// ChannelKind is how a channel is told.
type ChannelKind string

// The kinds of channels.
const (
	// ChannelWebhook gets a POST of JSON, signed as Standard Webhooks says where it has a secret.
	ChannelWebhook ChannelKind = "WEBHOOK"
	// ChannelEmail gets mails by SMTP.
	ChannelEmail ChannelKind = "EMAIL"
	// ChannelAlertmanager has an alert for each group.
	ChannelAlertmanager ChannelKind = "ALERTMANAGER"
	// ChannelSlack is an incoming webhook of Slack, or of Mattermost or Rocket.Chat.
	ChannelSlack ChannelKind = "SLACK"
	// ChannelTeams is a workflow of Microsoft Teams that has a webhook.
	ChannelTeams ChannelKind = "TEAMS"
	// ChannelDiscord is a webhook of Discord.
	ChannelDiscord ChannelKind = "DISCORD"
	// ChannelPagerDuty has an incident for each group.
	ChannelPagerDuty ChannelKind = "PAGERDUTY"
	// ChannelTelegram is a chat that a bot of Telegram writes to.
	ChannelTelegram ChannelKind = "TELEGRAM"
	// ChannelNtfy is a topic of ntfy.
	ChannelNtfy ChannelKind = "NTFY"
	// ChannelSMS is a telephone that gets text messages by Twilio.
	ChannelSMS ChannelKind = "SMS"
	// ChannelGotify is a server of Gotify.
	ChannelGotify ChannelKind = "GOTIFY"
	// ChannelPushover is a user or a group of Pushover.
	ChannelPushover ChannelKind = "PUSHOVER"
)

// ChannelField is one thing that a kind of channels has to know, or may know.
type ChannelField struct {
	Name     string
	Secret   bool // it is among the secrets of the channel, and never shown; otherwise it is an option
	Required bool
	Help     string                    // one line, for forms and for the command line
	Check    func(value string) string // what is wrong with a value, without the value; "": nothing
}

// FieldURL is the field of the URL: Secrets.URL.
const FieldURL = "url"

// kindOfChannel is what is known of a kind of channels.
type kindOfChannel struct {
	kind   ChannelKind
	server string // where a channel without a URL is; empty: it has to have one
	fields []ChannelField
	signed bool                              // its messages may be signed
	again  bool                              // it wants to be told of what is open again and again
	target func(c *Channel) string           // where it is; nil: the host of its URL
	check  func(c *Channel, fe *fieldErrors) // what several fields must be together; nil: nothing
}

// matches returns a check by a regular expression.
func matches(pattern, rule string) func(string) string {
	form := regexp.MustCompile(pattern)
	return func(value string) string {
		if form.MatchString(value) {
			return ""
		}
		return rule
	}
}

// oneOf returns a check that permits some words.
func oneOf(words ...string) func(string) string {
	return func(value string) string {
		if slices.Contains(words, value) {
			return ""
		}
		return "must be one of " + strings.Join(words, ", ")
	}
}
