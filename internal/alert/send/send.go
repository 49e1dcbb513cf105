package send

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Config is what a sender is made of.
type Config struct {
	Guard     Guard
	Roots     func() *x509.CertPool // whom to trust; nil: the system's
	UserAgent string
	Clock     clock.Clock
}

// Sender delivers messages. It implements alert.Sender.
type Sender struct {
	cfg    Config
	dialer *dialer
	client *http.Client
}

// New returns a sender. The error is about the config.
func New(cfg Config) (*Sender, error) {
	if cfg.Guard == nil || cfg.Clock == nil || cfg.UserAgent == "" {
		return nil, errors.New("send: Guard, Clock and UserAgent are required")
	}
	if cfg.Roots == nil {
		cfg.Roots = func() *x509.CertPool { return nil }
	}
	d := &dialer{guard: cfg.Guard, net: net.Dialer{Timeout: dialTimeout}}
	return &Sender{cfg, d, newClient(d, cfg.Roots)}, nil
}

// makers make the requests of each kind that gets its messages by HTTP.
var makers = map[domain.ChannelKind]func(in *input) ([]request, error){
	domain.ChannelWebhook: makeWebhook, domain.ChannelSlack: makeSlack, domain.ChannelTeams: makeTeams,
	domain.ChannelDiscord: makeDiscord, domain.ChannelTelegram: makeTelegram, domain.ChannelNtfy: makeNtfy,
	domain.ChannelSMS: makeSMS, domain.ChannelGotify: makeGotify, domain.ChannelPushover: makePushover,
	domain.ChannelPagerDuty: makePagerDuty, domain.ChannelAlertmanager: makeAlertmanager,
}

// others send the messages of each kind that gets them in another way.
var others = map[domain.ChannelKind]func(s *Sender, ctx context.Context, in *input) error{
	domain.ChannelEmail: (*Sender).sendMail,
}

// Send makes one attempt. The error has no secret of the channel.
func (s *Sender) Send(ctx context.Context, c *domain.Channel, m *alert.Message) error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	err := s.send(ctx, &input{c, m, alert.ContentOf(c.Templates, m), s.cfg.Clock.Now()})
	if err == nil {
		return nil
	}
	return withoutSecrets(c, err)
}

// withoutSecrets returns an error, and those of the parts of a message, as they may be shown.
func withoutSecrets(c *domain.Channel, err error) *alert.DeliveryError {
	failure := &alert.DeliveryError{}
	errors.As(err, &failure)
	out := *failure
	// What controls in a text may stand between the parts of a secret.
	out.Text, out.Parts = shown(c.Hide(alert.OneLine(c.Hide(err.Error())))), nil
	for _, part := range failure.Parts {
		if part != nil {
			part = withoutSecrets(c, part)
		}
		out.Parts = append(out.Parts, part)
	}
	return &out
}

func (s *Sender) send(ctx context.Context, in *input) error {
	if other := others[in.channel.Kind]; other != nil {
		return other(s, ctx, in)
	}
	maker, known := makers[in.channel.Kind]
	if !known {
		return &alert.DeliveryError{Text: "channels of the kind " + string(in.channel.Kind) + " are not known here"}
	}
	list, err := maker(in)
	if err != nil {
		return err
	}
	if perGroup[in.channel.Kind] && len(in.message.Groups) > 1 {
		return s.postParts(ctx, in, list)
	}
	for i := range list {
		if err := s.post(ctx, in, &list[i]); err != nil {
			return err
		}
	}
	return nil
}

// perGroup are the kinds that have a request for each group of a message.
var perGroup = map[domain.ChannelKind]bool{domain.ChannelPagerDuty: true}

// postParts posts the requests of the groups of a message, in their order. One that is refused stops no other. What
// else fails would fail for the others, too: they are not tried.
func (s *Sender) postParts(ctx context.Context, in *input, list []request) error {
	all := &alert.DeliveryError{Parts: make([]error, len(list))}
	failed := 0
	for i := range list {
		err := s.post(ctx, in, &list[i])
		if err == nil {
			continue
		}
		failed++
		all.Parts[i], all.Text = err, err.Error()
		if answer, ok := errors.AsType[*alert.DeliveryError](err); !ok || !answer.Refused {
			for j := range all.Parts[i:] {
				all.Parts[i+j] = err
			}
			break
		}
	}
	if failed == 0 {
		return nil
	}
	return all
}

func (s *Sender) post(ctx context.Context, in *input, r *request) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, r.url, bytes.NewReader(r.body))
	if err != nil {
		return errors.New("the URL cannot be read")
	}
	maps.Copy(req.Header, r.header)
	req.Header.Set("User-Agent", s.cfg.UserAgent)
	resp, err := s.client.Do(req)
	if err != nil {
		return withoutURL(err)
	}
	defer func() { _ = resp.Body.Close() }()
	body, _ := io.ReadAll(io.LimitReader(resp.Body, readOfAnswer))
	whole := len(body) < readOfAnswer
	body = []byte(in.channel.Hide(string(body))) // before its spaces change
	if !whole {                                  // a part of a secret may be at the end, which is not known as one
		body = body[:max(0, len(body)-longestSecret)]
	}
	return answered(in.channel.Kind, resp.StatusCode, resp.Header, body, in.now)
}

// withoutURL returns the cause of an error of a client, which repeats the URL. Where it quotes what is no HTTP, or no
// URL, it says no more than that: a part of a secret is not known as one.
func withoutURL(err error) error {
	if wrong, ok := errors.AsType[*url.Error](err); ok {
		err = wrong.Err
	}
	if what, _, quotes := strings.Cut(err.Error(), ` "`); quotes &&
		(strings.Contains(what, "malformed ") || strings.Contains(what, "failed to parse")) {
		return errors.New(strings.TrimSuffix(what, ":"))
	}
	return err
}
