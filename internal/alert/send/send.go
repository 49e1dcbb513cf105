package send

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
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
	return &Sender{cfg, newClient(cfg.Guard, cfg.Roots)}, nil
}

const (
	readOfAnswer = 64 << 10 // bytes of an answer that are read
	shownOfIt    = 200      // of which an error shows so many
)

// Send makes one attempt. The error has no secret of the channel.
func (s *Sender) Send(ctx context.Context, c *domain.Channel, m *alert.Message) error {
	err := s.post(ctx, c, m)
	if err == nil {
		return nil
	}
	failure := &alert.DeliveryError{}
	errors.As(err, &failure)
	failure.Text = c.Hide(err.Error())
	return failure
}

func (s *Sender) post(ctx context.Context, c *domain.Channel, m *alert.Message) error {
	content, err := bodyOf(m)
	if err != nil {
		return err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.Secrets.URL, bytes.NewReader(content))
	if err != nil {
		return errors.New("the URL cannot be read")
	}
	req.Header.Set("Content-Type", "application/json")
	req.Header.Set("User-Agent", s.cfg.UserAgent)
	if err := s.sign(req, c, m.ID, content); err != nil {
		return err
	}
	resp, err := s.client.Do(req)
	if err != nil {
		if wrong, ok := errors.AsType[*url.Error](err); ok { // it repeats the URL
			err = wrong.Err
		}
		return err
	}
	defer func() { _ = resp.Body.Close() }()
	answer, _ := io.ReadAll(io.LimitReader(resp.Body, readOfAnswer))
	if resp.StatusCode/100 == 2 {
		return nil
	}
	return &alert.DeliveryError{
		Text:    fmt.Sprintf("%d %s%s", resp.StatusCode, http.StatusText(resp.StatusCode), firstWords(answer)),
		AskedMs: s.retryAfter(resp.Header.Get("Retry-After")),
	}
}

// sign sets the headers of Standard Webhooks. Without a secret they are the id and the time alone.
func (s *Sender) sign(req *http.Request, c *domain.Channel, id domain.NotificationID, content []byte) error {
	now := s.cfg.Clock.Now().Unix()
	req.Header.Set("Webhook-Id", id.String())
	req.Header.Set("Webhook-Timestamp", strconv.FormatInt(now, 10))
	signer, err := webhook.NewSigner(c.Secrets.Signing)
	if err != nil || signer == nil {
		return err
	}
	for line := range strings.SplitSeq(string(signer.AppendHeaders(nil, []byte(id.String()), now, content)), "\r\n") {
		if name, value, ok := strings.Cut(line, ":"); ok {
			req.Header.Set(name, strings.TrimSpace(value))
		}
	}
	return nil
}

// retryAfter reads how long the receiver wants nothing: seconds, or a date.
func (s *Sender) retryAfter(text string) int64 {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, n) * 1000
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(s.cfg.Clock.Now()).Round(time.Millisecond).Milliseconds())
	}
	return 0
}

// firstWords are those of an answer, in one line.
func firstWords(answer []byte) string {
	text := strings.Join(strings.Fields(strings.ToValidUTF8(string(answer), "")), " ")
	if text == "" {
		return ""
	}
	if len(text) > shownOfIt {
		text = strings.ToValidUTF8(text[:shownOfIt], "") + "..."
	}
	return ": " + text
}
