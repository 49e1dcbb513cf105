package send

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

var update = flag.Bool("update", false, "write the bodies of testdata anew")

// channelOf returns a channel of a kind at a server. Each secret of it has T0KEN in it.
func channelOf(kind domain.ChannelKind, server string) *domain.Channel {
	c := &domain.Channel{ID: "c", Kind: kind, Options: map[string]string{}}
	c.Secrets.Values = map[string]string{}
	c.Secrets.URL = server + "/T0KEN-of-path?key=T0KEN-of-query"
	options, secrets := c.Options, c.Secrets.Values
	switch kind { //nolint:exhaustive // the others have a URL alone
	case domain.ChannelTelegram:
		c.Secrets.URL, options["chatId"], secrets["token"] = server, "-100123", "110201543:T0KEN-of-bot"
	case domain.ChannelNtfy:
		c.Secrets.URL, options["user"] = server, "phil"
		secrets["topic"], secrets["password"] = "T0KEN-topic", "T0KEN+of/ntfy"
	case domain.ChannelGotify:
		c.Secrets.URL, secrets["token"] = server, "T0KEN-of-gotify"
	case domain.ChannelPushover:
		c.Secrets.URL, options["device"] = server, "phone"
		secrets["token"], secrets["userKey"] = "T0KEN-of-push", "T0KEN-of-user"
	case domain.ChannelPagerDuty:
		c.Secrets.URL, secrets["routingKey"] = server+"/v2/enqueue", "T0KEN0123456789abcdef0123456789a"
	case domain.ChannelAlertmanager:
		c.Secrets.URL, options["labels"], secrets["token"] = server, "team=ops,site=fra", "T0KEN-of  bearer"
	case domain.ChannelSMS:
		c.Secrets.URL, secrets["token"] = server, "T0KEN of twilio"
		options["accountSid"], options["from"] = "AC0123456789abcdef0123456789abcdef", "+4930123456"
		options["to"] = "+4917012345"
	}
	return c
}

func inputOf(c *domain.Channel, m *alert.Message) *input {
	return &input{c, m, alert.ContentOf(c.Templates, m), time.UnixMilli(m.At).Add(time.Second).UTC()}
}

// asText shows requests so that people can compare them with what a service documents.
func asText(list []request) string {
	var b strings.Builder
	for _, r := range list {
		fmt.Fprintf(&b, "POST %s\n", r.url)
		for _, name := range slices.Sorted(keys(r.header)) {
			fmt.Fprintf(&b, "%s: %s\n", name, r.header.Get(name))
		}
		var indented bytes.Buffer
		if json.Indent(&indented, r.body, "", "  ") != nil {
			indented.Reset()
			indented.Write(r.body)
		}
		fmt.Fprintf(&b, "\n%s\n\n", indented.Bytes())
	}
	return b.String()
}

func keys(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

// What each kind sends of each type of message is as the files of testdata, which follow what its service documents.
func TestBodies(t *testing.T) {
	for kind, maker := range makers {
		for _, notice := range []domain.NotificationType{
			domain.NoticeOpened, domain.NoticeRecovered, domain.NoticeDigest, domain.NoticeTest,
		} {
			c := channelOf(kind, "https://service.example")
			m := alert.SampleMessage(notice, "https://belfry.example.com/ui/alerts")
			list, err := maker(inputOf(c, m))
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Join("testdata", strings.ToLower(string(kind))+"-"+strings.TrimPrefix(string(notice),
				"alert.")+
				".txt")
			if *update {
				if err := os.WriteFile(name, []byte(asText(list)), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), asText(list)); diff != "" {
				t.Errorf("%s (-update writes it):\n%s", name, diff)
			}
		}
	}
}

// Mattermost and Rocket.Chat get attachments.
func TestAttachments(t *testing.T) {
	c := channelOf(domain.ChannelSlack, "https://chat.example")
	c.Options["format"], c.Options["channel"] = "ATTACHMENTS", "ops"
	m := alert.SampleMessage(domain.NoticeOpened, "https://b/ui/alerts")
	m.Groups[0].Samples[0].Error = "@all see [this](https://evil.example)"
	list, err := makeSlack(inputOf(c, m))
	if err != nil {
		t.Fatal(err)
	}
	var got struct {
		Text, Channel string
		Attachments   []struct {
			Color, Fallback, Title, Text string
			Link                         string `json:"title_link"`
		}
		Blocks []any
	}
	if err := json.Unmarshal(list[0].body, &got); err != nil {
		t.Fatal(err)
	}
	a := got.Attachments[0]
	if got.Blocks != nil || got.Channel != "ops" || a.Link != m.Link || a.Color != "#cc2f2f" ||
		!strings.HasPrefix(a.Title, `Failing\: payments\.example`) ||
		!strings.Contains(a.Text, "\\@\u2060all see \\[this\\]\\(https\\:\\/\\/evil") || strings.Contains(a.Fallback,
		"@a") {
		t.Errorf("%s", list[0].body)
	}
}

// Each kind of package domain is sent, and no other.
func TestKindsAreSent(t *testing.T) {
	for _, kind := range domain.ChannelKinds {
		if makers[kind] == nil && others[kind] == nil {
			t.Errorf("%s is not sent", kind)
		}
	}
	for kind := range makers {
		if !slices.Contains(domain.ChannelKinds, kind) {
			t.Errorf("%s is sent, but cannot be configured", kind)
		}
		if c := channelOf(kind, "https://service.example"); c.Validate() != nil {
			t.Errorf("the channel of this test is not valid: %v", c.Validate())
		}
	}
	c := &domain.Channel{Kind: "PIGEON"}
	if err := sender(t, new(guard)).Send(t.Context(), c, message()); err == nil || !strings.Contains(err.Error(),
		"PIGEON") {
		t.Error(err)
	}
}

// No error of any kind has a secret, whatever the receiver answers: here all that it was sent. It says when to try
// again, and whether at all.
func TestErrorsHaveNoSecret(t *testing.T) {
	status := http.StatusBadRequest
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Retry-After", "77")
		w.WriteHeader(status)
		fmt.Fprintf(w, "%s %v\n", r.URL, r.Header["Authorization"])
		_, _ = w.Write(body[max(0, len(body)-150):])
	}))
	defer server.Close()
	for kind := range makers {
		c := channelOf(kind, server.URL)
		for status = range map[int]bool{400: true, 429: true, 503: true, 302: true} {
			err := sender(t, new(guard)).Send(t.Context(), c, message())
			failure, ok := errors.AsType[*alert.DeliveryError](err)
			if !ok {
				t.Errorf("%s %d: %v", kind, status, err)
				continue
			}
			if strings.Contains(failure.Text, "T0KEN") || strings.Contains(failure.Text, "VDBLRU4") ||
				!strings.HasPrefix(failure.Text, fmt.Sprint(status)) {
				t.Errorf("%s %d: %s", kind, status, failure.Text)
			}
			if failure.AskedMs != 77_000 || failure.Refused != (status == 400 && kind != domain.ChannelWebhook) {
				t.Errorf("%s %d: %+v", kind, status, failure)
			}
		}
		server := channelOf(kind, "http://127.0.0.1:1")
		if err := sender(t, new(guard)).Send(t.Context(), server, message()); err == nil ||
			strings.Contains(err.Error(), "T0KEN") {
			t.Errorf("%s at no server: %v", kind, err)
		}
	}
}

// Each kind arrives at a server that takes it, and its guard is asked.
func TestKindsArrive(t *testing.T) {
	var got []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		got = append(got, r.Method+" "+r.URL.Path+" "+r.Header.Get("User-Agent")+" "+string(body))
		w.WriteHeader(http.StatusAccepted)
	}))
	defer server.Close()
	for kind := range makers {
		got = nil
		g := new(guard)
		if err := sender(t, g).Send(t.Context(), channelOf(kind, server.URL), message()); err != nil {
			t.Errorf("%s: %v", kind, err)
		}
		if len(got) != 1 || !strings.HasPrefix(got[0], "POST /") || !strings.Contains(got[0], " belfry/test ") ||
			!strings.Contains(got[0], "bill") || len(g.asked) != 2 {
			t.Errorf("%s: %q, the guard was asked %v", kind, got, g.asked)
		}
		refusing := &guard{addr: errors.New("is a private address")}
		got = nil
		if err := sender(t, refusing).Send(t.Context(), channelOf(kind, server.URL), message()); err == nil ||
			!strings.Contains(err.Error(), "is a private address") || got != nil {
			t.Errorf("%s although the guard refuses: %v", kind, err)
		}
	}
}

func TestJudge(t *testing.T) {
	webhook, slack, mail := domain.ChannelWebhook, domain.ChannelSlack, domain.ChannelEmail
	for _, c := range []struct {
		kind   domain.ChannelKind
		status int
		want   verdict
	}{
		{webhook, 200, delivered}, {webhook, 202, delivered}, {webhook, 204, delivered}, {webhook, 302, later},
		{webhook, 400, later}, {webhook, 401, later}, {webhook, 404, later}, {webhook, 410, refused},
		{webhook, 422, later}, {webhook, 429, later}, {webhook, 500, later},
		{slack, 200, delivered}, {slack, 301, later}, {slack, 400, refused}, {slack, 401, later}, {slack, 403, later},
		{slack, 404, later}, {slack, 408, later}, {slack, 410, refused}, {slack, 413, refused}, {slack, 414, refused},
		{slack, 415, refused}, {slack, 422, refused}, {slack, 425, later}, {slack, 429, later}, {slack, 500, later},
		{slack, 503, later}, {slack, 100, later}, {slack, 0, later},
		{mail, 250, delivered}, {mail, 421, later}, {mail, 450, later}, {mail, 452, later}, {mail, 410, later},
		{mail, 521, later}, {mail, 530, later}, {mail, 534, later}, {mail, 535, later}, {mail, 538, later},
		{mail, 550, refused}, {mail, 552, refused}, {mail, 554, refused}, {mail, 0, later},
	} {
		if got := judge(c.kind, c.status); got != c.want {
			t.Errorf("%s %d: %d, want %d", c.kind, c.status, got, c.want)
		}
	}
}

// Parts of a digest may be taken where the digest is refused for what it is.
func TestUnfit(t *testing.T) {
	webhook, slack, mail := domain.ChannelWebhook, domain.ChannelSlack, domain.ChannelEmail
	for _, c := range []struct {
		kind   domain.ChannelKind
		status int
		want   bool
	}{
		{webhook, 400, true}, {webhook, 413, true}, {webhook, 414, true}, {webhook, 415, true}, {webhook, 422, true},
		{webhook, 410, false}, {webhook, 429, false}, {webhook, 500, false}, {webhook, 200, false},
		{slack, 400, true}, {slack, 413, true}, {slack, 404, false}, {slack, 410, false},
		{mail, 552, true}, {mail, 554, true}, {mail, 535, false}, {mail, 421, false}, {mail, 0, false},
	} {
		if got := unfit(c.kind, c.status); got != c.want {
			t.Errorf("%s %d: %t", c.kind, c.status, got)
		}
	}
}

// An event of a digest to PagerDuty that is refused stops no other. What is about the service ends the attempt.
func TestADigestToPagerDuty(t *testing.T) {
	answers, posted := []int{202, 400, 202, 202}, 0
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.WriteHeader(answers[posted])
		_, _ = w.Write(body[:min(len(body), 400)]) // with the key
		posted++
	}))
	defer server.Close()
	m := message()
	for len(m.Groups) < 4 {
		g := m.Groups[0]
		g.ID[15] = byte(len(m.Groups))
		m.Groups = append(m.Groups, g)
	}
	m.Type = domain.NoticeDigest
	send := func(codes ...int) (parts []string) {
		answers, posted = codes, 0
		err := sender(t, new(guard)).Send(t.Context(), channelOf(domain.ChannelPagerDuty, server.URL), m)
		failure, ok := errors.AsType[*alert.DeliveryError](err)
		if !ok || strings.Contains(failure.Text, "T0KEN") {
			t.Fatalf("%v", err)
		}
		for _, part := range failure.Parts {
			one, failed := errors.AsType[*alert.DeliveryError](part)
			switch {
			case part == nil:
				parts = append(parts, "delivered")
			case !failed || strings.Contains(one.Text, "T0KEN"):
				t.Errorf("%v", part)
			case one.Refused:
				parts = append(parts, "refused")
			default:
				parts = append(parts, "later")
			}
		}
		return parts
	}
	got := send(202, 400, 202, 202)
	if want := []string{"delivered", "refused", "delivered", "delivered"}; !slices.Equal(got, want) || posted != 4 {
		t.Errorf("%v after %d events", got, posted)
	}
	got = send(202, 400, 429)
	if want := []string{"delivered", "refused", "later", "later"}; !slices.Equal(got, want) || posted != 3 {
		t.Errorf("%v after %d events", got, posted)
	}
	answers, posted = []int{202, 202, 202, 202}, 0
	err := sender(t, new(guard)).Send(t.Context(), channelOf(domain.ChannelPagerDuty, server.URL), m)
	if err != nil || posted != 4 {
		t.Errorf("%v after %d events", err, posted)
	}
}

// What some services say in the body only.
func TestAnswersOfServices(t *testing.T) {
	now := time.Unix(1_700_000_000, 0)
	for name, c := range map[string]struct {
		kind   domain.ChannelKind
		status int
		body   string
		failed bool
		asked  int64
	}{
		"a connector of Teams": {domain.ChannelTeams, 200,
			"Webhook message delivery failed with error: Microsoft Teams endpoint returned HTTP error 429", true, 0},
		"Teams":         {domain.ChannelTeams, 202, "1", false, 0},
		"Telegram":      {domain.ChannelTelegram, 200, `{"ok":true,"result":{}}`, false, 0},
		"Telegram, not": {domain.ChannelTelegram, 200, `{"ok":false}`, true, 0},
		"Telegram, slower": {domain.ChannelTelegram, 429,
			`{"ok":false,"error_code":429,"description":"Too Many Requests","parameters":{"retry_after":9}}`,
			true, 9_000},
		"Discord, slower": {domain.ChannelDiscord, 429, `{"message":"You are being rate limited.","retry_after":1.5}`,
			true,
			1_500},
		"Discord, nonsense": {domain.ChannelDiscord, 429, `{"retry_after":1e300}`, true, 0},
	} {
		err := answered(c.kind, c.status, http.Header{}, []byte(c.body), now)
		var failure *alert.DeliveryError
		if errors.As(err, &failure) != c.failed || c.failed && failure.AskedMs != c.asked {
			t.Errorf("%s: %+v", name, err)
		}
	}
}
