package domain

import (
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// ChannelKind is how a channel is told.
type ChannelKind string

// The kinds of channels.
const (
	// ChannelWebhook gets a POST of JSON, signed as Standard Webhooks says where it has a secret.
	ChannelWebhook ChannelKind = "WEBHOOK"
)

// ChannelKinds are all of them.
var ChannelKinds = []ChannelKind{ChannelWebhook}

// Channel is where people are told of alerts.
type Channel struct {
	ID        string      `json:"-"` // of lower-case letters, digits and hyphens
	Revision  int64       `json:"-"` // of the row; zero: it is not stored
	Kind      ChannelKind `json:"kind"`
	Limit     string      `json:"limit,omitempty"`   // the only namespace that its author sees; empty: all
	Default   bool        `json:"default,omitempty"` // rules that name no channels mean it
	Disabled  bool        `json:"disabled,omitempty"`
	PerMinute int         `json:"perMinute,omitempty"` // messages, past which there is a digest; zero: the usual number
	CreatedAt int64       `json:"createdAt"`
	UpdatedAt int64       `json:"updatedAt"`
	// Secrets are sealed where the channel is stored, and never shown. The URL is one: it often has a token.
	Secrets ChannelSecrets `json:"-"`
}

// ChannelSecrets are what only the channel itself may know.
type ChannelSecrets struct {
	URL     string           `json:"url,omitempty"`
	Signing []webhook.Secret `json:"-"` // of messages: one, or two during a rotation
}

const (
	// MaxChannelID bounds the id of a channel, a rule or a silence.
	MaxChannelID = 64
	// DefaultPerMinute is the number of messages a minute that a channel may get.
	DefaultPerMinute = 20
	maxPerMinute     = 600
)

// ValidAlertID reports whether a text can be the id of a channel, a rule or a silence: it needs no escape in
// a path.
func ValidAlertID(id string) bool {
	for i := range len(id) {
		c := id[i]
		if (c < 'a' || c > 'z') && (c < '0' || c > '9') && (c != '-' || i == 0) {
			return false
		}
	}
	return id != "" && len(id) <= MaxChannelID
}

// Target names where the channel is, without what may be secret: the host of its URL.
func (c *Channel) Target() string {
	u, err := url.Parse(c.Secrets.URL)
	if err != nil {
		return ""
	}
	return u.Host
}

// Texts returns what must not be shown anywhere, the longest first: the URL, its parts that may be a token, and
// the secret of the signature.
func (c *Channel) Texts() (texts []string) {
	add := func(text string) {
		if len(text) >= minHidden {
			texts = append(texts, text)
		}
	}
	add(c.Secrets.URL)
	if u, err := url.Parse(c.Secrets.URL); err == nil {
		add(u.RequestURI())
		for part := range strings.SplitSeq(u.Path, "/") {
			add(part)
		}
		for _, values := range u.Query() {
			for _, v := range values {
				add(v)
			}
		}
		if password, ok := u.User.Password(); ok {
			add(password)
		}
	}
	for _, secret := range c.Secrets.Signing {
		for _, t := range secret.Texts() {
			add(t)
		}
	}
	slices.SortStableFunc(texts, func(a, b string) int { return len(b) - len(a) })
	return texts
}

// minHidden is the length from which on a part of a URL is hidden in errors: a shorter one is a word like "v1".
const minHidden = 6

// Hide replaces what must not be shown in a text.
func (c *Channel) Hide(text string) string {
	for _, secret := range c.Texts() {
		text = strings.ReplaceAll(text, secret, webhook.Mask)
	}
	return text
}

// Validate returns a CodeInvalid error that names every wrong field, or nil.
func (c *Channel) Validate() error {
	var fe fieldErrors
	fe.requireAs(FieldFormat, ValidAlertID(c.ID), "id", "must be 1 to "+strconv.Itoa(MaxChannelID)+
		" lower-case letters, digits and hyphens", c.ID)
	var kinds []string
	for _, k := range ChannelKinds {
		kinds = append(kinds, string(k))
	}
	fe.choice("kind", "must be one of "+strings.Join(kinds, ", "), string(c.Kind), kinds...)
	fe.within(int64(c.PerMinute), 0, maxPerMinute, "perMinute", "")
	if fault := urlFault(c.Secrets.URL); fault != "" {
		fe.addAs(FieldFormat, "url", fault, nil)
	}
	if _, err := webhook.NewSigner(c.Secrets.Signing); err != nil {
		fe.addAs(FieldFormat, "signingSecrets", err.Error(), nil)
	}
	return fe.err()
}
