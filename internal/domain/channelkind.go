package domain

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"unicode/utf8"
)

// kindsOfChannels has a row for each kind that can be sent.
var kindsOfChannels = []kindOfChannel{
	{kind: ChannelWebhook, signed: true, fields: []ChannelField{
		{FieldURL, true, true, "where the POST goes", urlFault},
	}},
	emailKind,
	{kind: ChannelSlack, fields: []ChannelField{
		{FieldURL, true, true, "the URL of the incoming webhook", urlFault},
		{"format", false, false, "BLOCKS, or ATTACHMENTS for Mattermost and Rocket.Chat; BLOCKS unless said",
			oneOf("BLOCKS", "ATTACHMENTS")},
		{"channel", false, false, "another channel than that of the webhook, where it permits that", nil},
	}},
	{kind: ChannelTeams, fields: []ChannelField{
		{FieldURL, true, true, "the URL of the workflow that posts to a channel or chat", urlFault},
	}},
	{kind: ChannelDiscord, fields: []ChannelField{
		{FieldURL, true, true, "the URL of the webhook of the channel", urlFault},
	}},
	{kind: ChannelTelegram, server: "https://api.telegram.org", fields: []ChannelField{
		{"token", true, true, "the token of the bot", matches(`^[0-9]+:[A-Za-z0-9_-]+$`,
			"must be as 110201543:AAHdqTcv")},
		{"chatId", false, true, "the number of the chat, or @ and the name of a channel",
			matches(`^(-?[0-9]+|@[A-Za-z0-9_]+)$`, "must be a number, or @ and the name of a channel")},
		{"threadId", false, false, "the number of a topic of the chat", matches(`^[0-9]+$`, "must be a number")},
		{FieldURL, true, false, "a Bot API server of your own", urlFault},
	}, target: func(c *Channel) string { return "chat " + c.Options["chatId"] }},
	{kind: ChannelNtfy, server: "https://ntfy.sh", fields: []ChannelField{
		{"topic", true, true, "the topic; who knows it can read it", matches(`^[A-Za-z0-9_-]{1,64}$`,
			"must be 1 to 64 letters, digits, hyphens and underscores")},
		{FieldURL, true, false, "a server of your own; https://ntfy.sh unless said", urlFault},
		{"token", true, false, "an access token", nil},
		{"user", false, false, "a user, if there is no token", nil},
		{"password", true, false, "the password of the user", nil},
	}},
	{kind: ChannelGotify, fields: []ChannelField{
		{FieldURL, true, true, "the URL of the server", urlFault},
		{"token", true, true, "the token of an application", nil},
	}},
	{kind: ChannelPushover, server: "https://api.pushover.net", fields: []ChannelField{
		{"token", true, true, "the token of an application", nil},
		{"userKey", true, true, "the key of the user or the group", nil},
		{"device", false, false, "devices of the user, separated by commas; all unless said", nil},
		{FieldURL, true, false, "another server than https://api.pushover.net", urlFault},
	}},
	{kind: ChannelPagerDuty, server: "https://events.pagerduty.com/v2/enqueue", fields: []ChannelField{
		{"routingKey", true, true, "the integration key of a service, for the Events API v2",
			matches(`^[A-Za-z0-9]{32}$`, "must be 32 letters and digits")},
		{FieldURL, true, false, "where events go; https://events.eu.pagerduty.com/v2/enqueue in the EU", urlFault},
	}},
	{kind: ChannelAlertmanager, again: true, fields: []ChannelField{
		{FieldURL, true, true, "the URL of Alertmanager, without /api/v2", urlFault},
		{"labels", false, false, "further labels of each alert: team=ops,site=fra", matches(
			`^[a-zA-Z_][a-zA-Z0-9_]*=[^,=]+(,[a-zA-Z_][a-zA-Z0-9_]*=[^,=]+)*$`, "must be as team=ops,site=fra")},
		{"token", true, false, "a bearer token", nil},
		{"user", false, false, "a user, if there is no token", nil},
		{"password", true, false, "the password of the user", nil},
	}},
	{kind: ChannelSMS, server: "https://api.twilio.com", fields: []ChannelField{
		{"accountSid", false, true, "the account of Twilio", matches(`^AC[0-9a-fA-F]{32}$`,
			"must be AC and 32 digits")},
		{"token", true, true, "the auth token of the account, or the secret of an API key", nil},
		{"user", false, false, "the SID of the API key, if the token is its secret", nil},
		{"from", false, true, "a number, a sender id, or the SID of a messaging service",
			matches(`^(\+[0-9]{5,15}|[A-Za-z0-9 ]{1,11}|MG[0-9a-fA-F]{32})$`,
				"must be a number with +, 1 to 11 letters and digits, or the SID of a messaging service")},
		{"to", false, true, "the number that is told; for several people make several channels",
			matches(`^\+[0-9]{5,15}$`, "must be one number with + and the code of the country")},
		{FieldURL, true, false, "another server than https://api.twilio.com", urlFault},
	}, target: func(c *Channel) string { return c.Options["to"] }},
}

// ChannelKinds are all of them.
var ChannelKinds = func() (kinds []ChannelKind) {
	for i := range kindsOfChannels {
		kinds = append(kinds, kindsOfChannels[i].kind)
	}
	return kinds
}()

// row returns what is known of a kind; of one that is not known, an empty row.
func (k ChannelKind) row() *kindOfChannel {
	for i := range kindsOfChannels {
		if kindsOfChannels[i].kind == k {
			return &kindsOfChannels[i]
		}
	}
	return &kindOfChannel{}
}

// Fields returns the fields of a kind, in the order of a form; nil: there is no such kind.
func (k ChannelKind) Fields() []ChannelField { return slices.Clone(k.row().fields) }

// Signed reports whether messages of a kind may be signed: whether a channel may have signing secrets.
func (k ChannelKind) Signed() bool { return k.row().signed }

// Repeated reports whether a kind is told of what is open again and again: its receiver keeps nothing over a restart,
// or ends what it does not hear of.
func (k ChannelKind) Repeated() bool { return k.row().again }

// Field returns a field of a kind by its name.
func (k ChannelKind) Field(name string) (f ChannelField, found bool) {
	fields := k.row().fields
	if i := slices.IndexFunc(fields, func(f ChannelField) bool { return f.Name == name }); i >= 0 {
		return fields[i], true
	}
	return f, false
}

// maxChannelValue bounds an option or a secret, in characters: a list of recipients is the longest.
const maxChannelValue = 2_000

// checkFields says which options and secrets are not as their kind wants them.
func (c *Channel) checkFields(fe *fieldErrors) {
	row := c.Kind.row()
	for i := range row.fields {
		f := &row.fields[i]
		path, value := "options."+f.Name, c.Options[f.Name]
		if f.Secret {
			path, value = "secrets."+f.Name, c.Secrets.value(f.Name)
		}
		if value == "" {
			fe.requireAs(FieldRequired, !f.Required, path, "is required: "+f.Help, nil)
			continue
		}
		if code, fault := f.fault(value); fault != "" {
			var shown any
			if !f.Secret {
				shown = Clip(value)
			}
			fe.addAs(code, path, fault, shown)
		}
	}
	c.checkUnknown(fe)
	if row.check != nil && len(*fe) == 0 {
		row.check(c, fe)
	}
}

// fault says what is wrong with the value of a field, or "".
func (f *ChannelField) fault(value string) (code FieldCode, fault string) {
	switch {
	case f.Name != FieldURL && utf8.RuneCountInString(value) > maxChannelValue:
		return FieldLength, "must be at most " + strconv.Itoa(maxChannelValue) + " characters"
	case f.Name != FieldURL && !printable(value):
		return FieldFormat, "must be printable characters, in one line"
	case f.Secret && len(value) < minSecretBytes:
		return FieldFormat, fmt.Sprintf("must be at least %d characters: a shorter one cannot be hidden in errors",
			minSecretBytes)
	case f.Check != nil:
		return FieldFormat, f.Check(value)
	}
	return "", ""
}

// value returns a secret by the name of its field; empty: it is not set.
func (s *ChannelSecrets) value(name string) string {
	if name == FieldURL {
		return s.URL
	}
	return s.Values[name]
}

// checkUnknown refuses options and secrets that the kind does not have.
func (c *Channel) checkUnknown(fe *fieldErrors) {
	check := func(path, name string, secret bool) {
		f, known := c.Kind.Field(name)
		if known && f.Secret == secret {
			return
		}
		rule := string(c.Kind) + " has no such field"
		switch {
		case known && f.Secret:
			rule = "is a secret: it belongs to the secrets"
		case known:
			rule = "is not a secret: it belongs to the options"
		}
		fe.addAs(FieldUnknown, path+name, rule, nil)
	}
	for _, name := range sortedNames(c.Options) {
		check("options.", name, false)
	}
	for _, name := range sortedNames(c.Secrets.Values) {
		check("secrets.", name, true)
	}
	if c.Secrets.URL != "" {
		check("secrets.", FieldURL, true)
	}
}

func sortedNames(values map[string]string) []string {
	var names []string
	for name := range values {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// Server returns the URL of the channel, or that of the service of its kind.
func (c *Channel) Server() string {
	if c.Secrets.URL != "" {
		return c.Secrets.URL
	}
	return c.Kind.row().server
}

// Target names where the channel is, without what may be secret.
func (c *Channel) Target() string {
	if target := c.Kind.row().target; target != nil {
		return Clip(target(c))
	}
	u, err := url.Parse(c.Server())
	if err != nil {
		return ""
	}
	return u.Host
}
