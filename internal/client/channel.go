package client

import (
	"context"
	"net/http"
	"strconv"
)

// ChannelSpec is what a channel of alerts is made of. Secrets are never read: a mask ([Mask]) in their place keeps
// those that are stored.
type ChannelSpec struct {
	Kind           string            `json:"kind"`                // one of those of [Channels.Kinds]
	Namespace      string            `json:"namespace,omitempty"` // the only one whose rules may use it; empty: all
	Default        bool              `json:"default,omitempty"`   // rules that name no channels mean it
	Disabled       bool              `json:"disabled,omitempty"`
	PerMinute      int               `json:"perMinute,omitempty"` // messages; zero: the usual number
	Options        map[string]string `json:"options,omitempty"`
	Secrets        map[string]string `json:"secrets,omitempty"`
	SigningSecrets []string          `json:"signingSecrets,omitempty"`
	Templates      ChannelTemplates  `json:"templates,omitzero"`
}

// ChannelTemplates are how messages of a channel are written; empty: as usual.
type ChannelTemplates struct {
	Title string `json:"title,omitempty"`
	Text  string `json:"text,omitempty"`
}

// Channel is where people are told of alerts.
type Channel struct {
	ChannelSpec

	ID              string           `json:"id"`
	Source          string           `json:"source"`       // api, or environment: it is of BELFRY_ALERT_URL
	Target          string           `json:"target"`       // where it is, as far as that is no secret
	Error           *string          `json:"error"`        // why it cannot be told; nil: it can
	LastDelivery    *ChannelDelivery `json:"lastDelivery"` // nil: none is known
	Pending         int64            `json:"pending"`      // messages that wait for it
	OldestPendingAt *int64           `json:"oldestPendingAt"`
	Revision        *int64           `json:"revision"` // nil: it is not stored
	CreatedAt       *int64           `json:"createdAt"`
	UpdatedAt       *int64           `json:"updatedAt"`
}

// ChannelDelivery is the latest attempt to tell a channel something.
type ChannelDelivery struct {
	At    int64   `json:"at"`
	State string  `json:"state"` // of the message: PENDING, DELIVERED, UNDELIVERABLE or SUPERSEDED
	Error *string `json:"error"` // nil: it has not failed
}

// ChannelTest is what has become of a message that tried a channel.
type ChannelTest struct {
	Delivered  bool    `json:"delivered"`
	Error      *string `json:"error"`
	At         int64   `json:"at"`
	DurationMs int64   `json:"durationMs"`
}

// ChannelKind is a way to tell people.
type ChannelKind struct {
	Kind   string         `json:"kind"`
	Signed bool           `json:"signed"` // its channels may have SigningSecrets
	Fields []ChannelField `json:"fields"`
}

// ChannelField is what a channel of a kind has to know, or may know.
type ChannelField struct {
	Name     string `json:"name"`
	Secret   bool   `json:"secret"` // it is one of Secrets, otherwise one of Options
	Required bool   `json:"required"`
	Help     string `json:"help"`
}

// Channels has the calls about channels of alerts.
type Channels struct{ server *connection }

// List returns all channels that the caller sees.
func (c *Channels) List(ctx context.Context) ([]Channel, error) {
	var out struct {
		Channels []Channel `json:"channels"`
	}
	err := c.server.getJSON(ctx, &out, nil, "alerts", "channels")
	return out.Channels, err
}

// Kinds returns the kinds of channels.
func (c *Channels) Kinds(ctx context.Context) ([]ChannelKind, error) {
	var out struct {
		Kinds []ChannelKind `json:"kinds"`
	}
	err := c.server.getJSON(ctx, &out, nil, "alerts", "channels", "kinds")
	return out.Kinds, err
}

// Get reads a channel.
func (c *Channels) Get(ctx context.Context, id string) (Channel, error) {
	var out Channel
	err := c.server.getJSON(ctx, &out, nil, "alerts", "channels", id)
	return out, err
}

// Put replaces the channel of a revision; zero: whatever is there, or a new one.
func (c *Channels) Put(ctx context.Context, id string, revision int64, spec ChannelSpec) (Channel, error) {
	return c.put(ctx, id, ifRevision(revision), spec)
}

// Create makes a channel. If there is one, the problem has status 412.
func (c *Channels) Create(ctx context.Context, id string, spec ChannelSpec) (Channel, error) {
	return c.put(ctx, id, http.Header{"If-None-Match": {"*"}}, spec)
}

func (c *Channels) put(ctx context.Context, id string, condition http.Header, spec ChannelSpec) (Channel, error) {
	var out Channel
	err := c.server.exchange(ctx, call{
		method: http.MethodPut, path: []string{"alerts", "channels", id}, header: condition,
	}, spec, &out)
	return out, err
}

// Delete deletes the channel of a revision; zero: of any.
func (c *Channels) Delete(ctx context.Context, id string, revision int64) error {
	var out struct{}
	return c.server.exchange(ctx, call{
		method: http.MethodDelete, path: []string{"alerts", "channels", id}, header: ifRevision(revision),
	}, nil, &out)
}

// Test sends a channel a message now, and says what has become of it.
func (c *Channels) Test(ctx context.Context, id string) (ChannelTest, error) {
	var out ChannelTest
	err := c.server.exchange(ctx, call{
		method: http.MethodPost, path: []string{"alerts", "channels", id, "test"},
	}, nil, &out)
	return out, err
}

// Preview returns what templates make of a message.
func (c *Channels) Preview(ctx context.Context, t ChannelTemplates) (ChannelTemplates, error) {
	var out ChannelTemplates
	err := c.server.exchange(ctx, call{
		method: http.MethodPost, path: []string{"alerts", "channels", "preview"},
	}, t, &out)
	return out, err
}

// ifRevision is the condition of a change of something with a revision.
func ifRevision(revision int64) http.Header {
	if revision == 0 {
		return nil
	}
	return http.Header{"If-Match": {`"` + strconv.FormatInt(revision, 10) + `"`}}
}
