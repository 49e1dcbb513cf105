package api

import (
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
	"github.com/belfry-scheduler/belfry/internal/webhook"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// newChannel is the body of a request that makes or replaces a channel.
type newChannel struct {
	Kind           domain.ChannelKind `json:"kind" maxLength:"40" doc:"How it is told: see GET /alerts/channels/kinds." example:"WEBHOOK"`
	Namespace      string             `json:"namespace,omitempty" minLength:"1" maxLength:"63" pattern:"^[a-z0-9-]+$" doc:"The only namespace whose rules may use it; absent: all." example:"billing"`
	Default        bool               `json:"default,omitempty" doc:"true: rules that name no channels mean it. Without rules every final failure is told there." example:"true"`
	Disabled       bool               `json:"disabled,omitempty" doc:"true: nothing is sent to it. Its messages wait, for a day at most." example:"false"`
	PerMinute      int                `json:"perMinute,omitempty" minimum:"0" maximum:"600" doc:"Messages a minute; past that they are one digest. 0 or absent: 20." example:"20"`
	Options        map[string]string  `json:"options,omitempty" doc:"Fields of the kind that are not secret."`
	Secrets        map[string]string  `json:"secrets,omitempty" doc:"Fields of the kind that are: sealed where they are stored, and never shown. ******** keeps the one that is there."`
	SigningSecrets []string           `json:"signingSecrets,omitempty" nullable:"false" maxItems:"2" doc:"Of the signature by Standard Webhooks, of kinds that have one: whsec_ and base64. Two during a rotation. ******** keeps the one in its place."`
	Templates      *channelTemplates  `json:"templates,omitempty" doc:"How its messages are written, as text/template of Go reads it."`
}

type channelTemplates struct {
	Title string `json:"title,omitempty" maxLength:"8192" doc:"Of the first line; absent: the usual one." example:"{{.Title}}"`
	Text  string `json:"text,omitempty" maxLength:"8192" doc:"Of the rest; absent: the usual one." example:"{{.Text}}"`
}

type channelBody struct {
	ID             string             `json:"id" doc:"Its id, which rules name." example:"ops"`
	Kind           domain.ChannelKind `json:"kind" doc:"How it is told: see GET /alerts/channels/kinds." example:"WEBHOOK"`
	Source         string             `json:"source" enum:"api,environment" doc:"api: it is stored. environment: it is of BELFRY_ALERT_URL of the server that answers, and is changed there." example:"api"`
	Namespace      string             `json:"namespace,omitempty" doc:"The only namespace whose rules may use it; absent: all." example:"billing"`
	Default        bool               `json:"default" doc:"Whether rules that name no channels mean it." example:"true"`
	Disabled       bool               `json:"disabled" doc:"Whether nothing is sent to it: its messages wait, for a day at most." example:"false"`
	PerMinute      int                `json:"perMinute" doc:"Messages a minute; past that they are one digest." example:"20"`
	Target         string             `json:"target" doc:"Where it is, as far as that is no secret." example:"hooks.example.com"`
	Options        map[string]string  `json:"options" nullable:"false" doc:"Fields of the kind that are not secret."`
	Secrets        map[string]string  `json:"secrets" nullable:"false" doc:"Those that are: ******** for each that is set."`
	SigningSecrets []string           `json:"signingSecrets" nullable:"false" doc:"******** for each."`
	Templates      channelTemplates   `json:"templates" doc:"How its messages are written."`
	Error          *string            `json:"error" doc:"Why it cannot be told: its secrets need another encryption key. null: it can." example:"the secrets of CHANNEL ops need key 0011aabb"`
	LastDelivery   *lastDeliveryBody  `json:"lastDelivery,omitempty" doc:"The latest attempt; absent: none is known."`
	Pending        int64              `json:"pending" doc:"Messages that wait for it." example:"0"`
	PendingSince   *int64             `json:"oldestPendingAt" format:"unix-ms" doc:"When the oldest of these was made, Unix milliseconds; null: there are none." example:"1767225610145"`
	Revision       *int64             `json:"revision" doc:"The number in its ETag; null: it is not stored." example:"12"`
	CreatedAt      *int64             `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds; null: it is not stored." example:"1767225600000"`
	UpdatedAt      *int64             `json:"updatedAt" format:"unix-ms" doc:"Unix milliseconds; null: it is not stored." example:"1767225600000"`
}

type lastDeliveryBody struct {
	At    int64                    `json:"at" format:"unix-ms" doc:"When it was, Unix milliseconds." example:"1767225610200"`
	State domain.NotificationState `json:"state" enum:"PENDING,DELIVERED,UNDELIVERABLE,SUPERSEDED" doc:"What has become of the message: PENDING: it has failed, and is tried again." example:"DELIVERED"`
	Error *string                  `json:"error" doc:"Why it failed; null: it did not." example:"503 Service Unavailable"`
}

// boundChannel says of a channel what struct tags cannot.
func boundChannel(schemas map[string]*huma.Schema) {
	most := maxWords
	for _, name := range []string{"options", "secrets"} {
		schemas["NewChannel"].Properties[name].MaxProperties = &most
	}
}

const (
	sourceAPI = "api"
	sourceEnv = "environment"
)

// channelBodyOf shows a channel without its secrets.
func channelBodyOf(c *domain.Channel) channelBody {
	b := channelBody{
		ID: c.ID, Kind: c.Kind, Source: sourceAPI, Namespace: c.Limit, Default: c.Default, Disabled: c.Disabled,
		PerMinute: cmp.Or(c.PerMinute, domain.DefaultPerMinute), Target: c.Target(), Options: map[string]string{},
		Secrets: map[string]string{}, SigningSecrets: []string{}, Error: unlessZero(c.Unread),
		Templates: channelTemplates(c.Templates), Revision: unlessZero(c.Revision), CreatedAt: unlessZero(c.CreatedAt),
		UpdatedAt: unlessZero(c.UpdatedAt),
	}
	if c.Revision == 0 {
		b.Source = sourceEnv
	}
	maps.Copy(b.Options, c.Options)
	for name := range c.Secrets.Values {
		b.Secrets[name] = webhook.Mask
	}
	if c.Secrets.URL != "" {
		b.Secrets[domain.FieldURL] = webhook.Mask
	}
	for range c.Secrets.Signing {
		b.SigningSecrets = append(b.SigningSecrets, webhook.Mask)
	}
	return b
}

// setDelivery adds the latest attempt among messages of the channel.
func (b *channelBody) setDelivery(messages []domain.Notification) {
	for i := range messages {
		n := &messages[i]
		if d := &n.Delivery; d.LastAt > 0 && (b.LastDelivery == nil || d.LastAt > b.LastDelivery.At) {
			b.LastDelivery = &lastDeliveryBody{d.LastAt, n.State, unlessZero(d.Error)}
		}
	}
}

// readChannel reads the body of a request. Masks of secrets stand for those of what is stored, nil: nothing is.
func readChannel(data []byte, id string, is *domain.Channel) (domain.Channel, error) {
	var f bulkFaults
	c := domain.Channel{ID: id}
	object := f.members("", data, "kind", "namespace", "default", "disabled", "perMinute", "options", "secrets",
		"signingSecrets", "templates")
	c.Kind = domain.ChannelKind(f.word("kind", object["kind"]))
	if object["namespace"] != nil {
		if c.Limit = f.word("namespace", object["namespace"]); !domain.ValidNamespace(c.Limit) && len(f.fields) == 0 {
			f.add(domain.FieldFormat, "namespace", "must be 1 to 63 small letters, digits and hyphens", c.Limit)
		}
	}
	if yes := f.flag("default", object["default"]); yes != nil {
		c.Default = *yes
	}
	if yes := f.flag("disabled", object["disabled"]); yes != nil {
		c.Disabled = *yes
	}
	c.PerMinute = f.integer("perMinute", object["perMinute"])
	c.Options = f.words("options", object["options"])
	f.secrets(object, &c, is)
	if raw := object["templates"]; raw != nil {
		parts := f.members("templates", raw, "title", "text")
		c.Templates.Title = f.word("templates.title", parts["title"])
		c.Templates.Text = f.word("templates.text", parts["text"])
	}
	if len(f.fields) == 0 {
		f.take("", c.Validate())
	}
	if len(f.fields) > 0 {
		return c, &domain.Error{Code: domain.CodeInvalid, Fields: f.fields}
	}
	return c, nil
}

// secrets reads those of a channel. No refusal shows one.
func (f *bulkFaults) secrets(object map[string]json.RawMessage, c, is *domain.Channel) {
	if is == nil {
		is = new(domain.Channel)
	}
	given := f.words("secrets", object["secrets"])
	if c.Secrets.URL = given[domain.FieldURL]; c.Secrets.URL == webhook.Mask {
		c.Secrets.URL = f.kept("secrets."+domain.FieldURL, is.Secrets.URL, is.Kind == c.Kind)
	}
	delete(given, domain.FieldURL)
	same := sameReceiver(c, is)
	for _, name := range slices.Sorted(maps.Keys(given)) {
		if given[name] == webhook.Mask {
			given[name] = f.kept("secrets."+name, is.Secrets.Values[name], same)
		}
		if c.Secrets.Values == nil {
			c.Secrets.Values = make(map[string]string)
		}
		c.Secrets.Values[name] = given[name]
	}
	for i, value := range f.texts("signingSecrets", object["signingSecrets"]) {
		if value == webhook.Mask {
			was := ""
			if i < len(is.Secrets.Signing) {
				was = is.Secrets.Signing[i].Reveal()
			}
			value = f.kept(fmt.Sprintf("signingSecrets[%d]", i), was, true) // nobody is sent it
		}
		c.Secrets.Signing = append(c.Secrets.Signing, webhook.Secret(value))
	}
}

// kept returns the secret that a mask stands for. It stays where it goes to the same receiver only: who may change a
// channel does not learn its secrets by that.
func (f *bulkFaults) kept(at, secret string, same bool) string {
	switch {
	case secret == "":
		f.add(domain.FieldMasked, at, "is a mask, and there is no secret that it could stand for: give the secret", nil)
	case !same:
		f.add(domain.FieldMasked, at, "is a mask, and the channel would send the secret elsewhere: give it anew", nil)
	}
	return secret
}

// sameReceiver reports whether two channels send their secrets to the same place.
func sameReceiver(a, b *domain.Channel) bool {
	return a.Kind == b.Kind && target.Of(a.Server()) == target.Of(b.Server()) &&
		a.Options["host"] == b.Options["host"] && a.Options["port"] == b.Options["port"]
}

// word reads a member that is a text, which may be empty.
func (f *bulkFaults) word(at string, raw json.RawMessage) string {
	if raw == nil {
		return ""
	}
	var text *string
	if json.Unmarshal(raw, &text) != nil || text == nil {
		f.add(domain.FieldType, at, "must be a string, not "+wire.KindOf(raw), nil)
		return ""
	}
	return *text
}

// integer reads a member that is an integer.
func (f *bulkFaults) integer(at string, raw json.RawMessage) int {
	if raw == nil {
		return 0
	}
	n, fault := wire.DecodeInteger(raw)
	if fault != "" {
		f.add(wire.CodeOfInstant(raw), at, fault, nil)
		return 0
	}
	return int(min(max(n, -1), 1<<30)) // its limits are narrower
}

// maxWords bounds the members of an object of texts: no kind of channels has so many fields.
const maxWords = 32

// words reads a member that is an object of texts.
func (f *bulkFaults) words(at string, raw json.RawMessage) map[string]string {
	if raw == nil {
		return nil
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(raw, &object) != nil || object == nil {
		f.add(domain.FieldType, at, "must be an object of strings, not "+wire.KindOf(raw), nil)
		return nil
	}
	if len(object) > maxWords {
		f.add(domain.FieldLength, at, fmt.Sprintf("must have at most %d members", maxWords), len(object))
		return nil
	}
	words := make(map[string]string, len(object))
	for _, name := range slices.Sorted(maps.Keys(object)) {
		words[name] = strings.TrimSpace(f.word(at+"."+name, object[name]))
	}
	return words
}
