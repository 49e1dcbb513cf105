package domain

import (
	"slices"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

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
	// Options and Secrets are the fields of the kind: see [ChannelKind.Fields].
	Options   map[string]string `json:"options,omitempty"`
	Templates ChannelTemplates  `json:"templates,omitzero"`
	// Secrets are sealed where the channel is stored, and never shown. The URL is one: it often has a token.
	Secrets ChannelSecrets `json:"-"`
	Unread  string         `json:"-"` // why the secrets that are stored cannot be read; empty: they can
}

// ChannelSecrets are what only the channel itself may know.
type ChannelSecrets struct {
	URL     string            `json:"url,omitempty"`
	Signing []webhook.Secret  `json:"-"`                // of messages: one, or two during a rotation
	Values  map[string]string `json:"values,omitempty"` // the other secret fields of the kind, by name
}

// ChannelTemplates are how the author of a channel wants its messages, as text/template reads them. An empty one is
// the usual text. Package alert checks them and has the fields that they may use.
type ChannelTemplates struct {
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
}

const (
	// MaxChannelID bounds the id of a channel, a rule or a silence.
	MaxChannelID = 64
	// DefaultPerMinute is the number of messages a minute that a channel may get.
	DefaultPerMinute = 20
	maxPerMinute     = 600
	// MaxChannelTemplate bounds a template of a channel, in bytes.
	MaxChannelTemplate = 8 << 10
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
	if slices.Contains(ChannelKinds, c.Kind) {
		c.checkFields(&fe)
	}
	if _, err := webhook.NewSigner(c.Secrets.Signing); err != nil {
		fe.addAs(FieldFormat, "signingSecrets", err.Error(), nil)
	}
	if len(c.Secrets.Signing) > 0 && !c.Kind.Signed() {
		fe.addAs(FieldContradiction, "signingSecrets", "messages of this kind are not signed", nil)
	}
	for _, t := range []struct{ field, text string }{{"title", c.Templates.Title}, {"text", c.Templates.Text}} {
		fe.requireAs(FieldLength, len(t.text) <= MaxChannelTemplate, "templates."+t.field,
			"must be at most "+strconv.Itoa(MaxChannelTemplate)+" bytes", nil)
	}
	return fe.err()
}
