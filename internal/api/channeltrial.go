package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/danielgtaylor/huma/v2"
)

// A channel is tried at once, by the server that is asked, with the guard of the targets of jobs. Somebody else's
// server gets each message, so that a caller may send few of them:
const (
	trialsPerMinute = 6  // of a caller
	trialsOfAll     = 30 // of all
	maxTrials       = 4  // at a time
)

// quotaOfTrials is what a caller is told.
var quotaOfTrials = quota{name: "channel-tests", most: trialsPerMinute, window: time.Minute}

// trials counts tests of channels. The zero value has counted none.
type trials struct {
	mu       sync.Mutex
	made     []trial // in the last minute, oldest first
	underWay int
}

type trial struct {
	caller string
	at     time.Time
}

// begin counts a test. It returns how long the caller has to wait for one instead; zero: it may begin.
func (t *trials) begin(caller string, now time.Time) (wait time.Duration) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for len(t.made) > 0 && now.Sub(t.made[0].at) >= time.Minute {
		t.made = t.made[1:]
	}
	own, first := 0, now
	for i := range t.made {
		if t.made[i].caller == caller {
			if own++; own == 1 {
				first = t.made[i].at
			}
		}
	}
	switch {
	case own >= trialsPerMinute:
		return first.Add(time.Minute).Sub(now)
	case len(t.made) >= trialsOfAll:
		return t.made[0].at.Add(time.Minute).Sub(now)
	case t.underWay >= maxTrials:
		return busyWait
	}
	t.made = append(t.made, trial{caller, now})
	t.underWay++
	return 0
}

func (t *trials) end() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.underWay--
}

// channelTrialRoutes try channels, and preview what they would be sent.
type channelTrialRoutes struct {
	*channelRoutes
	trials trials
}

func (h *channelTrialRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "test-channel", Method: http.MethodPost, Path: "/alerts/channels/{id}/test",
		Tags: []string{"Alerts"}, Summary: "Try a channel",
		Description: "Sends it a message of the type alert.test now, also where it is disabled, and answers what has " +
			"become of that. It is not repeated, and stands in the trail of changes. At most 6 a minute. For admins.",
	}, h.try, kindNotFound, kindBusy, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "preview-channel", Method: http.MethodPost, Path: "/alerts/channels/preview",
		Tags: []string{"Alerts"}, Summary: "Preview templates",
		Description: "What they make of a message as it comes when jobs of a host fail. Nothing is stored or sent. " +
			"For admins.",
		RequestBody: reference.JSONBody("ChannelTemplates"), MaxBodyBytes: h.maxBody,
	}, h.preview, kindInvalid)
}

type triedOutput struct{ Body triedChannelBody }

type triedChannelBody struct {
	Delivered  bool    `json:"delivered" doc:"Whether the receiver has taken the message." example:"true"`
	Error      *string `json:"error" doc:"Why it has not, without secrets; null: it has." example:"404 Not Found: no_service"`
	At         int64   `json:"at" format:"unix-ms" doc:"When it was sent, Unix milliseconds." example:"1767225610145"`
	DurationMs int64   `json:"durationMs" doc:"How long that took, in milliseconds." example:"182"`
}

func (h *channelTrialRoutes) try(ctx context.Context, in *channelInput) (*triedOutput, error) {
	id, err := in.parse()
	if err != nil {
		return nil, err
	}
	c, err := h.find(ctx, id)
	if err != nil {
		return nil, err
	}
	if h.Sender == nil {
		return nil, domain.Unavailable(nil, "this server sends no messages")
	}
	began := h.clock.Now()
	if wait := h.trials.begin(visitorOf(ctx).caller(), began); wait > 0 {
		return nil, kindBusy.problem("Channels are tried %d times a minute at most.", trialsPerMinute).
			throttled(quotaOfTrials, wait)
	}
	defer h.trials.end()
	h.repeats.note(ctx, domain.ActionChannelTest, "CHANNEL "+id, 0)
	at := clock.NowMs(h.clock)
	m := &alert.Message{ID: domain.NewTestID(at), Type: domain.NoticeTest, At: at, Link: h.Link}
	failure := errors.New(c.Unread)
	if c.Unread == "" {
		failure = h.Sender.Send(ctx, c, m)
	}
	out := &triedOutput{triedChannelBody{
		Delivered: failure == nil, At: at, DurationMs: h.clock.Now().Sub(began).Milliseconds(),
	}}
	if failure != nil {
		text := failure.Error()
		out.Body.Error = &text
	}
	return out, nil
}

type previewChannelInput struct{ request }

type previewedOutput struct{ Body previewedChannelBody }

type previewedChannelBody struct {
	Title string `json:"title" doc:"The first line." example:"Failing: payments.example.com:443, 2,800 jobs"`
	Text  string `json:"text" doc:"The rest." example:"14,200 failed executions since 2026-03-10 12:00:00 UTC."`
}

func (h *channelTrialRoutes) preview(_ context.Context, in *previewChannelInput) (*previewedOutput, error) {
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	var f bulkFaults
	parts := f.members("", data, "title", "text")
	templates := domain.ChannelTemplates{Title: f.word("title", parts["title"]), Text: f.word("text", parts["text"])}
	for at, text := range map[string]string{"title": templates.Title, "text": templates.Text} {
		if len(text) > domain.MaxChannelTemplate {
			f.add(domain.FieldLength, at, fmt.Sprintf("must be at most %d bytes", domain.MaxChannelTemplate), nil)
		}
	}
	if len(f.fields) > 0 {
		return nil, &domain.Error{Code: domain.CodeInvalid, Fields: f.fields}
	}
	made, err := alert.Render(templates, alert.SampleMessage(domain.NoticeOpened, h.Link))
	if e, ok := errors.AsType[*domain.Error](err); ok {
		for _, one := range e.Fields {
			f.add(one.Code, strings.TrimPrefix(one.Field, "templates."), one.Message, one.Value)
		}
		return nil, &domain.Error{Code: domain.CodeInvalid, Fields: f.fields}
	}
	if err != nil {
		return nil, err
	}
	return &previewedOutput{previewedChannelBody(made)}, nil
}
