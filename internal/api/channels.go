package api

import (
	"context"
	"net/http"
	"reflect"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
)

// Alerting is what the API needs of those who tell people of alerts.
type Alerting struct {
	Fixed  []domain.Channel // of the settings of this server
	Sender alert.Sender     // of messages that try a channel; nil: they cannot be tried
	Link   string           // to the page about alerts; empty: there is none
}

// channelRoutes show, change and try the channels of alerts.
type channelRoutes struct {
	Alerting
	settings store.AlertSettings
	notices  store.Notices
	clock    clock.Clock
	trail    *trail
	repeats  *Repeats
	maxBody  int64
}

func (h *channelRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[newChannel](), true, "")
	boundChannel(rt.huma.OpenAPI().Components.Schemas.Map())
	register(rt, huma.Operation{
		OperationID: "list-channels", Method: http.MethodGet, Path: "/alerts/channels", Tags: []string{"Alerts"},
		Summary: "List the channels of alerts",
		Description: "Where people are told: those that are stored, in the order of their ids, at most 200, and " +
			"before them those of BELFRY_ALERT_URL of the server that answers. A key that is confined to a namespace " +
			"sees those that rules of its namespace may use.",
	}, h.list, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-channel-kinds", Method: http.MethodGet, Path: "/alerts/channels/kinds",
		Tags: []string{"Alerts"}, Summary: "List the kinds of channels",
		Description: "What there is to tell people by, and what a channel of each kind has to know.",
	}, h.kinds)
	register(rt, huma.Operation{
		OperationID: "get-channel", Method: http.MethodGet, Path: "/alerts/channels/{id}", Tags: []string{"Alerts"},
		Summary: "Read a channel", Description: "With the latest attempt, and what waits for it. Secrets are masked.",
	}, h.get, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "put-channel", Method: http.MethodPut, Path: "/alerts/channels/{id}", Tags: []string{"Alerts"},
		Summary: "Make or replace a channel",
		Description: "The whole of it: what is absent is not set. A secret whose mask is sent stays, unless the " +
			"channel would send it elsewhere. 201: it is new. It holds within a second. For admins.",
		RequestBody: reference.JSONBody("NewChannel"), MaxBodyBytes: h.maxBody, Responses: answersChannel(rt),
	}, h.put, kindInvalid, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "delete-channel", Method: http.MethodDelete, Path: "/alerts/channels/{id}",
		Tags: []string{"Alerts"}, Summary: "Delete a channel",
		Description: "What waits for it is not sent any more, and says so: UNDELIVERABLE, with the reason. So does " +
			"what a rule still tells it. For admins.",
	}, h.remove, kindNotFound, kindConflict, kindStale, kindUnavailable)
}

// answersChannel documents the answers of a route that makes or replaces a channel.
func answersChannel(rt *router) map[string]*huma.Response {
	schema := rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[channelBody](), true, "")
	content := map[string]*huma.MediaType{"application/json": {Schema: schema}}
	return map[string]*huma.Response{
		"200": {Description: "The channel, which was replaced.", Content: content},
		"201": {Description: "The channel, which is new.", Content: content},
	}
}

type channelsOutput struct{ Body channelsBody }

type channelsBody struct {
	Channels []channelBody `json:"channels" nullable:"false" doc:"Those of the settings first, then by id."`
}

// How many of the latest messages of a channel are looked at for its last attempt.
const (
	messagesOfList = 5
	messagesOfOne  = 50
)

// sizeOfChannel is about what a channel takes, with its templates as a rule.
const sizeOfChannel = 3 << 10

// all returns all channels that the caller sees, by id.
func (h *channelRoutes) all(ctx context.Context) ([]domain.Channel, error) {
	found, err := h.settings.AlertSettings(ctx, domain.SettingChannel)
	if err != nil {
		return nil, store.Coded(err)
	}
	channels := slices.Clone(h.Fixed)
	for i := range found {
		channels = append(channels, channelOf(&found[i]))
	}
	return slices.DeleteFunc(channels, func(c domain.Channel) bool { return !seesChannel(ctx, &c) }), nil
}

// channelOf returns the channel that is stored. One that this build cannot read, since a newer one has stored it, says
// so.
func channelOf(s *domain.AlertSetting) domain.Channel {
	c, err := domain.DecodeChannel(s)
	if err != nil {
		return domain.UnreadChannel(s)
	}
	return c
}

// seesChannel reports whether a caller may know of a channel: rules of his namespace may use it.
func seesChannel(ctx context.Context, c *domain.Channel) bool {
	return c.Limit == "" || seesNamespace(ctx, c.Limit)
}

func (h *channelRoutes) list(ctx context.Context, _ *struct{}) (*channelsOutput, error) {
	channels, err := h.all(ctx)
	if err != nil {
		return nil, err
	}
	waiting, err := h.settings.PendingByChannel(ctx)
	if err != nil {
		return nil, store.Coded(err)
	}
	out := &channelsOutput{channelsBody{make([]channelBody, 0, len(channels))}}
	for i := range channels {
		b, err := h.shown(ctx, &channels[i], waiting, messagesOfList)
		if err != nil {
			return nil, err
		}
		out.Body.Channels = append(out.Body.Channels, b)
	}
	fit(ctx, sizeOfChannel*len(channels))
	return out, nil
}

// shown returns a channel with how it does.
func (h *channelRoutes) shown(ctx context.Context, c *domain.Channel, waiting []store.ChannelBacklog, look int) (
	channelBody, error) {
	b := channelBodyOf(c)
	for i := range waiting {
		if w := &waiting[i]; w.Channel == c.ID {
			b.Pending, b.PendingSince = w.Pending, unlessZero(w.Oldest.MadeAt())
		}
	}
	last, err := h.notices.Messages(ctx, store.MessageQuery{Channel: c.ID, Limit: look})
	b.setDelivery(last)
	return b, store.Coded(err)
}

// ChannelPath is the id of a channel in a path.
type ChannelPath struct {
	ID string `path:"id" maxLength:"64" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"The channel's id." example:"ops"`
}

func (p *ChannelPath) parse() (string, error) {
	id := strings.TrimSpace(p.ID)
	if !domain.ValidAlertID(id) {
		return "", kindMalformed.fieldAs(domain.FieldFormat, "id",
			"must be 1 to 64 lower-case letters, digits and hyphens, and not begin with a hyphen", p.ID)
	}
	return id, nil
}

type channelInput struct {
	request
	ChannelPath
}

type channelOutput struct {
	ETag   string `header:"ETag" doc:"Its revision, for If-Match; absent: it is not stored."`
	Status int
	Body   channelBody
}

func (h *channelRoutes) get(ctx context.Context, in *channelInput) (*channelOutput, error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	c, err := h.find(ctx, id)
	if err != nil {
		return nil, err
	}
	return h.answer(ctx, http.StatusOK, c)
}

// answer answers with a channel, and with how it does.
func (h *channelRoutes) answer(ctx context.Context, status int, c *domain.Channel) (*channelOutput, error) {
	waiting, err := h.settings.PendingByChannel(ctx)
	if err != nil {
		return nil, store.Coded(err)
	}
	b, err := h.shown(ctx, c, waiting, messagesOfOne)
	if err != nil {
		return nil, err
	}
	out := &channelOutput{Status: status, Body: b}
	if c.Revision != 0 {
		out.ETag = settingTag(c.Revision)
	}
	return out, nil
}

// fixed returns a channel of the settings, or nil.
func (h *channelRoutes) fixed(id string) *domain.Channel {
	for i := range h.Fixed {
		if h.Fixed[i].ID == id {
			return &h.Fixed[i]
		}
	}
	return nil
}

// stored returns a channel that is stored.
func (h *channelRoutes) stored(ctx context.Context, id string) (*domain.Channel, error) {
	s, err := h.settings.AlertSetting(ctx, domain.SettingChannel, id)
	if domain.ErrorCode(err) == domain.CodeNotFound && err != nil {
		return nil, noChannel(id)
	}
	if err != nil {
		return nil, store.Coded(err)
	}
	c := channelOf(&s)
	return &c, nil
}

// find returns a channel that the caller sees.
func (h *channelRoutes) find(ctx context.Context, id string) (*domain.Channel, error) {
	c := h.fixed(id)
	var err error
	if c == nil {
		c, err = h.stored(ctx, id)
	}
	if err == nil && !seesChannel(ctx, c) {
		err = noChannel(id)
	}
	return c, err
}

func noChannel(id string) error {
	return &domain.Error{Code: domain.CodeNotFound, Message: "channel " + id + " does not exist"}
}

type putChannelInput struct {
	request
	ChannelPath
	SettingCondition
}

// reservedChannels are ids that are taken by paths.
var reservedChannels = []string{"kinds", "preview"}

// putTries is how often a channel is read again that has changed meanwhile.
const putTries = 5

func (h *channelRoutes) put(ctx context.Context, in *putChannelInput) (*channelOutput, error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	if alert.Fixed(id) || slices.Contains(reservedChannels, id) {
		return nil, domain.InvalidAs(domain.FieldChoice, "id", "must not be env, kinds or preview, nor begin with "+
			"env-: those are of the settings, or paths", id)
	}
	change := h.trail.changeBy(ctx, "")
	for try := 0; ; try++ {
		c, is, err := h.replacing(ctx, in.r, id, data)
		if err != nil {
			return nil, err
		}
		kept, err := h.settings.PutAlertSetting(ctx, c.Encode(), change)
		if domain.ErrorCode(err) == domain.CodeConflict && try < putTries && err != nil {
			continue // the condition is to be evaluated again
		}
		if err != nil {
			return nil, store.Coded(err)
		}
		status := http.StatusOK
		if is == nil {
			status = http.StatusCreated
		}
		c.Revision = kept.Revision
		return h.answer(ctx, status, c)
	}
}

// replacing returns the channel that a request asks for, and the one that it replaces, nil: it is new.
func (h *channelRoutes) replacing(ctx context.Context, r *http.Request, id string, data []byte) (
	c, is *domain.Channel, err error) {
	is, err = h.stored(ctx, id)
	if domain.ErrorCode(err) == domain.CodeNotFound && err != nil {
		is, err = nil, nil
	}
	if err != nil {
		return nil, nil, err
	}
	now := clock.NowMs(h.clock)
	made := domain.Channel{CreatedAt: now}
	if is != nil {
		made = *is
	}
	if err := checkSetting(r, made.Revision); err != nil {
		return nil, nil, err
	}
	next, err := readChannel(data, id, is)
	if err == nil {
		err = alert.CheckTemplates(next.Templates)
	}
	next.Revision, next.CreatedAt, next.UpdatedAt = made.Revision, made.CreatedAt, now
	return &next, is, err
}

type deleteChannelOutput struct{ Body deletedChannelBody }

type deletedChannelBody struct {
	ID      string `json:"id" doc:"The channel's id." example:"ops"`
	Message string `json:"message" doc:"What was done, for people." example:"Channel deleted"`
}

func (h *channelRoutes) remove(ctx context.Context, in *putChannelInput) (*deleteChannelOutput, error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	if h.fixed(id) != nil {
		return nil, domain.Conflict("channel %s is of BELFRY_ALERT_URL: it is removed there", id)
	}
	is, err := h.settings.AlertSetting(ctx, domain.SettingChannel, id)
	if domain.ErrorCode(err) == domain.CodeNotFound && err != nil {
		err = noChannel(id)
	}
	if err != nil {
		return nil, store.Coded(err)
	}
	if err := checkSetting(in.r, is.Revision); err != nil {
		return nil, err
	}
	err = h.settings.DeleteAlertSetting(ctx, is.Kind, id, is.Revision, h.trail.changeBy(ctx, ""))
	if err != nil {
		return nil, store.Coded(err)
	}
	return &deleteChannelOutput{deletedChannelBody{id, "Channel deleted"}}, nil
}

type kindsOutput struct{ Body channelKindsBody }

type channelKindsBody struct {
	Kinds []channelKindBody `json:"kinds" nullable:"false" doc:"All of them."`
}

type channelKindBody struct {
	Kind   domain.ChannelKind `json:"kind" doc:"Its name." example:"SLACK"`
	Signed bool               `json:"signed" doc:"Whether its messages may be signed: signingSecrets." example:"false"`
	Fields []channelFieldBody `json:"fields" nullable:"false" doc:"What a channel has to know, in the order of a form."`
}

type channelFieldBody struct {
	Name     string `json:"name" doc:"Its name." example:"url"`
	Secret   bool   `json:"secret" doc:"true: it is one of secrets, otherwise one of options." example:"true"`
	Required bool   `json:"required" doc:"Whether there is no channel without it." example:"true"`
	Help     string `json:"help" doc:"What it is, for people." example:"the URL of the incoming webhook"`
}

func (h *channelRoutes) kinds(context.Context, *struct{}) (*kindsOutput, error) {
	out := new(kindsOutput)
	for _, kind := range domain.ChannelKinds {
		b := channelKindBody{Kind: kind, Signed: kind.Signed(), Fields: []channelFieldBody{}}
		for _, f := range kind.Fields() {
			b.Fields = append(b.Fields, channelFieldBody{f.Name, f.Secret, f.Required, f.Help})
		}
		out.Body.Kinds = append(out.Body.Kinds, b)
	}
	return out, nil
}
