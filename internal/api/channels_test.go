package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
)

// fixedChannel is one of the settings.
var fixedChannel = domain.Channel{
	ID: "env-3f2a9c01be", Kind: domain.ChannelWebhook, Default: true,
	Secrets: domain.ChannelSecrets{URL: "https://hooks.example.com/canary-env"},
}

// postbox takes messages, or refuses them.
type postbox struct {
	mu      sync.Mutex
	refusal error
	got     []domain.Channel
	types   []domain.NotificationType
}

// Send implements alert.Sender.
func (p *postbox) Send(_ context.Context, c *domain.Channel, m *alert.Message) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.got, p.types = append(p.got, *c), append(p.types, m.Type)
	return p.refusal
}

const opsChannel = `{"kind":"WEBHOOK","default":true,"secrets":{"url":"https://hooks.example.com/canary-T0KEN"},
	"signingSecrets":["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"]}`

// A channel is made, read, replaced under its revision, and deleted; each is in the trail.
func TestChannels(t *testing.T) {
	h := ofAdmin(t, newFixture(t))
	call(t, h, "GET", "/alerts/channels/ops", "").problem(t, 404)
	made := call(t, h, "PUT", "/alerts/channels/ops", opsChannel, "If-None-Match: *")
	var is channelBody
	made.into(t, 201, &is)
	if is.ID != "ops" || is.Source != sourceAPI || !is.Default || is.Target != "hooks.example.com" ||
		is.Secrets["url"] != domain.Mask || !slices.Equal(is.SigningSecrets, []string{domain.Mask}) ||
		is.PerMinute != domain.DefaultPerMinute || is.Revision == nil || is.LastDelivery != nil {
		t.Errorf("%+v", is)
	}
	tag := made.Header.Get("ETag")
	if got := call(t, h, "GET", "/alerts/channels/ops", ""); got.Header.Get("ETag") != tag || tag == "" {
		t.Errorf("tag %q, and then %q", tag, got.Header.Get("ETag"))
	}
	for _, refused := range []string{"If-None-Match: *", `If-Match: "99"`, "If-None-Match: " + tag} {
		if p := call(t, h, "PUT", "/alerts/channels/ops", opsChannel, refused).problem(t, 412); len(p.Errors) != 1 {
			t.Errorf("%s: %+v", refused, p)
		}
	}
	call(t, h, "PUT", "/alerts/channels/none", opsChannel, `If-Match: "1"`).problem(t, 412)
	next := call(t, h, "PUT", "/alerts/channels/ops", strings.Replace(opsChannel, "true", "false", 1), "If-Match: "+tag)
	next.into(t, 200, &is)
	if is.Default || next.Header.Get("ETag") == tag {
		t.Errorf("%+v", is)
	}
	var list channelsBody
	call(t, h, "GET", "/alerts/channels", "").into(t, 200, &list)
	if len(list.Channels) != 2 || list.Channels[0].Source != sourceEnv || list.Channels[0].Revision != nil ||
		list.Channels[1].ID != "ops" {
		t.Errorf("%+v", list)
	}
	call(t, h, "DELETE", "/alerts/channels/ops", "", "If-Match: "+tag).problem(t, 412)
	call(t, h, "DELETE", "/alerts/channels/ops", "").into(t, 200, &struct{}{})
	call(t, h, "DELETE", "/alerts/channels/ops", "").problem(t, 404)
	call(t, h, "DELETE", "/alerts/channels/"+fixedChannel.ID, "").problem(t, 409)
	var trail changesBody
	call(t, h, "GET", "/audit/changes", "").into(t, 200, &trail)
	var actions []string
	for _, c := range trail.Changes {
		if c.Detail == "CHANNEL ops" {
			actions = append(actions, string(c.Action))
		}
	}
	if want := []string{"SETTING_DELETE", "SETTING_UPDATE", "SETTING_CREATE"}; !slices.Equal(actions, want) {
		t.Errorf("the trail has %q, want %q", actions, want)
	}
}

// What is wrong is refused by name, and no refusal shows a secret.
func TestWrongChannels(t *testing.T) {
	h := ofAdmin(t, newFixture(t))
	for body, field := range map[string]string{
		`{}`: "kind", `{"kind":"PIGEON"}`: "kind", `{"kind":1}`: "kind", `{"kind":"WEBHOOK"}`: "secrets.url",
		`{"kind":"WEBHOOK","secrets":{"url":"canary"}}`:                                      "secrets.url",
		`{"kind":"WEBHOOK","secrets":{"url":"********"}}`:                                    "secrets.url",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/","token":"canary"}}`:            "secrets.token",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/"},"signingSecrets":["canary"]}`: "signingSecrets",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/"},"options":{"x":"y"}}`:         "options.x",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/"},"perMinute":601}`:             "perMinute",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/"},"namespace":"No"}`:            "namespace",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/"},"default":"yes"}`:             "default",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/"},"secret":1}`:                  "secret",
		`{"kind":"WEBHOOK","secrets":[],"options":null}`:                                     "options",
		`{"kind":"WEBHOOK","secrets":{"url":"https://a.test/"},"templates":{"title":"{{"}}`:  "templates.title",
	} {
		res := call(t, h, "PUT", "/alerts/channels/ops", body)
		p := res.problem(t, 422)
		if !slices.Contains(p.fields(), field) || strings.Contains(res.text, "canary") {
			t.Errorf("%s: %s, want the field %s", body, res.text, field)
		}
	}
	for _, id := range []string{"env", "env-x", "kinds", "preview"} {
		if p := call(t, h, "PUT", "/alerts/channels/"+id, opsChannel).problem(t, 422); len(p.Errors) != 1 {
			t.Errorf("%s: %+v", id, p)
		}
	}
	call(t, h, "PUT", "/alerts/channels/No", opsChannel).problem(t, 400)
	call(t, h, "GET", "/alerts/channels", "").into(t, 200, &struct{}{})
}

// A mask keeps a secret, unless the channel would send it elsewhere.
func TestMasksOfChannels(t *testing.T) {
	f := newFixture(t)
	h := ofAdmin(t, f)
	call(t, h, "PUT", "/alerts/channels/chat",
		`{"kind":"NTFY","secrets":{"topic":"canary-topic","token":"canary-t0ken"}}`).into(t, 201, &struct{}{})
	kept := func() map[string]string {
		t.Helper()
		s, err := f.disk.AlertSettings().AlertSetting(t.Context(), domain.SettingChannel, "chat")
		if err != nil {
			t.Fatal(err)
		}
		c, err := domain.DecodeChannel(&s)
		if err != nil {
			t.Fatal(err)
		}
		return c.Secrets.Values
	}
	call(t, h, "PUT", "/alerts/channels/chat",
		`{"kind":"NTFY","disabled":true,"secrets":{"topic":"********","token":"********"}}`).into(t, 200, &struct{}{})
	if got := kept(); got["topic"] != "canary-topic" || got["token"] != "canary-t0ken" {
		t.Errorf("kept %v", got)
	}
	for _, body := range []string{
		`{"kind":"NTFY","secrets":{"topic":"mine-mine","token":"********","url":"https://evil.test/"}}`,
		`{"kind":"ALERTMANAGER","secrets":{"url":"https://evil.test/","token":"********"}}`,
		`{"kind":"WEBHOOK","secrets":{"url":"********"}}`,
	} {
		p := call(t, h, "PUT", "/alerts/channels/chat", body).problem(t, 422)
		if len(p.Errors) != 1 || p.Errors[0].Code != domain.FieldMasked {
			t.Errorf("%s: %+v", body, p)
		}
	}
	call(t, h, "PUT", "/alerts/channels/chat", `{"kind":"NTFY","secrets":{"topic":"********"}}`).
		into(t, 200, &struct{}{})
	if got := kept(); got["token"] != "" || got["topic"] != "canary-topic" {
		t.Errorf("kept %v", got)
	}
}

// A test is sent at once, says what has become of it, and is bounded for each caller. It is in the trail.
func TestChannelIsTried(t *testing.T) {
	f := newFixture(t)
	box := new(postbox)
	h := withKey{newAPI(t, f, func(c *Config) {
		c.Keys, c.Alerting.Sender = ring(t, f, key1), box
	}), key1}
	call(t, h, "PUT", "/alerts/channels/ops", opsChannel).into(t, 201, &struct{}{})
	call(t, h, "POST", "/alerts/channels/none/test", "").problem(t, 404)
	var out triedChannelBody
	call(t, h, "POST", "/alerts/channels/ops/test", "").into(t, 200, &out)
	if !out.Delivered || out.Error != nil || len(box.got) != 1 || box.types[0] != domain.NoticeTest ||
		box.got[0].Secrets.URL != "https://hooks.example.com/canary-T0KEN" {
		t.Errorf("%+v, %+v", out, box.got)
	}
	box.refusal = &alert.DeliveryError{Text: "404 Not Found"}
	call(t, h, "POST", "/alerts/channels/"+fixedChannel.ID+"/test", "").into(t, 200, &out)
	if out.Delivered || out.Error == nil || *out.Error != "404 Not Found" {
		t.Errorf("%+v", out)
	}
	for range trialsPerMinute - 2 {
		call(t, h, "POST", "/alerts/channels/ops/test", "").into(t, 200, &out)
	}
	if res := call(t, h, "POST", "/alerts/channels/ops/test", ""); res.StatusCode != http.StatusTooManyRequests ||
		res.Header.Get("Retry-After") == "" {
		t.Errorf("%d %s", res.StatusCode, res.text)
	}
	f.clock.step(time.Minute)
	call(t, h, "POST", "/alerts/channels/ops/test", "").into(t, 200, &out)
	var trail changesBody
	call(t, h, "GET", "/audit/changes", "").into(t, 200, &trail)
	if !slices.ContainsFunc(trail.Changes, func(c changeBody) bool {
		return c.Action == domain.ActionChannelTest && c.Detail == "CHANNEL ops" && *c.Times == trialsPerMinute
	}) {
		t.Errorf("%+v", trail.Changes)
	}
}

func TestTrials(t *testing.T) {
	var tr trials
	now := time.Unix(1_000, 0)
	for i := range trialsPerMinute {
		if wait := tr.begin("a", now.Add(time.Duration(i)*time.Second)); wait != 0 {
			t.Fatalf("test %d waits %s", i, wait)
		}
		tr.end()
	}
	if wait := tr.begin("a", now.Add(10*time.Second)); wait != 50*time.Second {
		t.Errorf("waits %s", wait)
	}
	if wait := tr.begin("a", now.Add(time.Minute)); wait != 0 {
		t.Errorf("a minute later it waits %s", wait)
	}
	for range maxTrials - 1 {
		if wait := tr.begin("b", now.Add(time.Minute)); wait != 0 {
			t.Errorf("another caller waits %s", wait)
		}
	}
	if wait := tr.begin("c", now.Add(time.Minute)); wait != busyWait {
		t.Errorf("the fifth at a time waits %s", wait)
	}
	var all trials
	for i := range trialsOfAll {
		_ = all.begin(string(rune('a'+i)), now)
		all.end()
	}
	if wait := all.begin("?", now.Add(time.Second)); wait != 59*time.Second {
		t.Errorf("past the limit of all it waits %s", wait)
	}
}

// The latest attempt and what waits stand on the channel.
func TestChannelShowsItsMessages(t *testing.T) {
	f := newFixture(t)
	h := ofAdmin(t, f)
	call(t, h, "PUT", "/alerts/channels/ops", opsChannel).into(t, 201, &struct{}{})
	for seq := range int64(3) {
		n := domain.Notification{
			ID: domain.NewNotificationID(domain.GroupID{1}, seq, "ops", base+seq), Channel: "ops",
			Group: domain.GroupID{byte(seq)}, State: domain.NotificationPending, Type: domain.NoticeOpened,
			CreatedAt: base + seq, Delivery: domain.Delivery{Attempts: 1, LastAt: base + 100 - seq, Error: "503"},
		}
		if err := f.disk.Notices().Advance(t.Context(), store.NoticeStep{Made: []domain.Notification{n}}); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range []string{"/alerts/channels/ops", "/alerts/channels"} {
		res := call(t, h, "GET", path, "")
		if res.StatusCode != 200 || !strings.Contains(res.text, `"lastDelivery":{"at":1767225600100,"state":"PENDING",`+
			`"error":"503"}`) || !strings.Contains(res.text, `"pending":3,"oldestPendingAt":1767225600000`) {
			t.Errorf("%s: %s", path, res.text)
		}
	}
}

// A key that is confined to a namespace sees the channels that its rules may use; only admins change any.
func TestWhoSeesChannels(t *testing.T) {
	f := newFixture(t)
	keys := ring(t, f, key1)
	api := newAPI(t, f, func(c *Config) { c.Keys = keys })
	h := withKey{api, key1}
	for id, namespace := range map[string]string{"ours": "billing", "theirs": "other"} {
		body := strings.TrimSuffix(opsChannel, "}") + `,"namespace":"` + namespace + `"}`
		call(t, h, "PUT", "/alerts/channels/"+id, body).into(t, 201, &struct{}{})
	}
	editor, _, err := keys.Create(t.Context(), domain.APIKey{Name: "e", Role: domain.RoleEditor, Namespace: "billing"})
	if err != nil {
		t.Fatal(err)
	}
	e := withKey{api, editor}
	var list channelsBody
	call(t, e, "GET", "/alerts/channels", "").into(t, 200, &list)
	var ids []string
	for _, c := range list.Channels {
		ids = append(ids, c.ID)
	}
	if want := []string{fixedChannel.ID, "ours"}; !slices.Equal(ids, want) {
		t.Errorf("sees %q, want %q", ids, want)
	}
	call(t, e, "GET", "/alerts/channels/ours", "").into(t, 200, &struct{}{})
	call(t, e, "GET", "/alerts/channels/kinds", "").into(t, 200, &struct{}{})
	call(t, e, "GET", "/alerts/channels/theirs", "").problem(t, 404)
	for _, refused := range [][3]string{
		{"PUT", "/alerts/channels/ours", opsChannel}, {"DELETE", "/alerts/channels/ours", ""},
		{"POST", "/alerts/channels/ours/test", ""}, {"POST", "/alerts/channels/preview", `{}`},
	} {
		call(t, e, refused[0], refused[1], refused[2]).problem(t, 403)
	}
}

// A channel whose secrets need another key says so, and one of a newer build is not in the way of the others.
func TestChannelsThatCannotBeRead(t *testing.T) {
	f := newFixture(t)
	h := ofAdmin(t, f)
	put := domain.AlertSetting{Kind: domain.SettingChannel, ID: "later", Body: []byte(`{"kind":7}`)}
	if _, err := f.disk.AlertSettings().PutAlertSetting(t.Context(), put, domain.Change{}); err != nil {
		t.Fatal(err)
	}
	var list channelsBody
	call(t, h, "GET", "/alerts/channels", "").into(t, 200, &list)
	if len(list.Channels) != 2 || list.Channels[1].ID != "later" || list.Channels[1].Error == nil {
		t.Errorf("%+v", list)
	}
	call(t, h, "PUT", "/alerts/channels/later", opsChannel).into(t, 200, &struct{}{})
	call(t, h, "DELETE", "/alerts/channels/later", "").into(t, 200, &struct{}{})
}

// The store fails: 503, and nothing else.
func TestChannelsOfAStoreThatFails(t *testing.T) {
	f := newFixture(t)
	h := ofAdmin(t, f)
	call(t, h, "PUT", "/alerts/channels/ops", opsChannel).into(t, 201, &struct{}{})
	f.store.Add(faulty.Rule{Method: "AlertSettings", Err: domain.Unavailable(errors.New("canary"), "no")})
	for _, c := range [][3]string{
		{"GET", "/alerts/channels", ""}, {"GET", "/alerts/channels/ops", ""},
		{"PUT", "/alerts/channels/ops", opsChannel},
		{"DELETE", "/alerts/channels/ops", ""}, {"POST", "/alerts/channels/ops/test", ""},
	} {
		call(t, h, c[0], c[1], c[2]).problem(t, 503)
	}
}

// No answer about channels shows what is secret in one, whatever is asked.
func TestChannelsShowNoSecret(t *testing.T) {
	f := newFixture(t)
	h := ofAdmin(t, f)
	call(t, h, "PUT", "/alerts/channels/ops", opsChannel).into(t, 201, &struct{}{})
	for _, c := range [][3]string{
		{"GET", "/alerts/channels", ""}, {"GET", "/alerts/channels/ops", ""},
		{"GET", "/alerts/channels/" + fixedChannel.ID, ""}, {"GET", "/audit/changes", ""}, {"GET", "/metrics", ""},
		{"PUT", "/alerts/channels/ops", opsChannel}, {"POST", "/alerts/channels/ops/test", ""},
		{"GET", "/notifications", ""}, {"GET", "/settings", ""}, {"DELETE", "/alerts/channels/ops", ""},
	} {
		if res := call(t, h, c[0], c[1], c[2]); res.StatusCode/100 != 2 ||
			strings.Contains(res.text, "canary") || strings.Contains(res.text, "Y2FuYXJ5") {
			t.Errorf("%s %s: %d %s", c[0], c[1], res.StatusCode, res.text)
		}
	}
}

// Templates are tried without being stored.
func TestChannelPreview(t *testing.T) {
	h := ofAdmin(t, newFixture(t))
	var out previewedChannelBody
	call(t, h, "POST", "/alerts/channels/preview", `{"title":"{{.Level}} now"}`).into(t, 200, &out)
	if out.Title != "CRITICAL now" || out.Text == "" {
		t.Errorf("%+v", out)
	}
	p := call(t, h, "POST", "/alerts/channels/preview", `{"text":"{{.Nope}}"}`).problem(t, 422)
	if !slices.Equal(p.fields(), []string{"text"}) {
		t.Errorf("%+v", p)
	}
}
