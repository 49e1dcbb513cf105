package send

import (
	"encoding/json"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"unicode/utf16"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// hostile is what somebody may call a job, or answer to its calls.
const hostile = "</pre></b><a href=\"https://evil.example\">x</a> <script>alert(1)</script> " +
	"<!channel> <@U123> @everyone " +
	"@here @all [click](https://evil.example) **bold** `code` ```fence``` " +
	"<https://evil.example|link> # h\r\nBcc: a@b.example" +
	"\x00\u202e & {{.Title}} |"

func hostileMessage() *alert.Message {
	m := message()
	m.Groups[0].Counts.AllJobs, m.Groups[0].Counts.Jobs = 1, 1
	m.Groups[0].Samples[0].Name, m.Groups[0].Samples[0].Error = hostile, hostile+strings.Repeat(" <&@*", 5_000)
	return m
}

// texts returns each text of a JSON document with its path.
func texts(t *testing.T, body []byte) map[string]string {
	t.Helper()
	var doc any
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatalf("%v: %s", err, body)
	}
	found := make(map[string]string)
	var walk func(path string, v any)
	walk = func(path string, v any) {
		switch v := v.(type) {
		case string:
			found[path] = v
		case []any:
			for i := range v {
				walk(path+"[]", v[i])
			}
		case map[string]any:
			for name := range v {
				walk(path+"."+name, v[name])
			}
		}
	}
	walk("", doc)
	return found
}

// Texts of others neither link nor mention nor format, and no body is longer than its service takes.
func TestTextsOfOthersInjectNothing(t *testing.T) {
	for kind, check := range map[domain.ChannelKind]func(t *testing.T, body []byte){
		domain.ChannelSlack: checkSlack, domain.ChannelTeams: checkTeams, domain.ChannelDiscord: checkDiscord,
		domain.ChannelTelegram: checkTelegram, domain.ChannelNtfy: checkNtfy, domain.ChannelSMS: checkSMS,
		domain.ChannelPagerDuty: checkPagerDuty, domain.ChannelAlertmanager: checkPlainJSON,
		domain.ChannelWebhook: checkPlainJSON, domain.ChannelGotify: checkPlainJSON,
		domain.ChannelPushover: checkPushover,
	} {
		t.Run(string(kind), func(t *testing.T) {
			list, err := makers[kind](inputOf(channelOf(kind, "https://service.example"), hostileMessage()))
			if err != nil || len(list) != 1 {
				t.Fatal(list, err)
			}
			for name, values := range list[0].header {
				if strings.ContainsAny(strings.Join(values, ""), "\r\n") || strings.Contains(strings.Join(values, ""),
					"evil") {
					t.Errorf("%s: %q", name, values)
				}
			}
			check(t, list[0].body)
		})
	}
}

// checkPlainJSON: such a text has no characters that control something; JSON is its escape.
func checkPlainJSON(t *testing.T, body []byte) {
	for path, text := range texts(t, body) {
		if path != ".data.groups[].samples[].name" && path != ".data.groups[].samples[].error" &&
			strings.ContainsAny(text, "\r\x00\u202e") {
			t.Errorf("%s: %q", path, text)
		}
	}
}

func checkSlack(t *testing.T, body []byte) {
	var doc struct {
		Text   string
		Blocks []struct {
			Type     string
			Text     struct{ Type, Text string }
			Elements []struct{ Type, Text string }
		}
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	if strings.ContainsAny(doc.Text, "<>") || len(doc.Blocks) < 3 || len(doc.Blocks) > 50 {
		t.Errorf("%d blocks, text %s", len(doc.Blocks), doc.Text)
	}
	for _, b := range doc.Blocks {
		switch b.Type {
		case "header", "section":
			most := map[string]int{"header": 150, "section": 3_000}[b.Type]
			if b.Text.Type != "plain_text" || len(utf16.Encode([]rune(b.Text.Text))) > most || b.Text.Text == "" {
				t.Errorf("%+v", b)
			}
		case "context":
			if b.Elements[0].Text != "<https://b/alerts|Open in Belfry>" {
				t.Errorf("%+v", b)
			}
		default:
			t.Errorf("%+v", b)
		}
	}
}

func checkTeams(t *testing.T, body []byte) {
	if len(body) > 28<<10 {
		t.Errorf("%d bytes", len(body))
	}
	for path, text := range texts(t, body) {
		if strings.Contains(text, "evil") && path != ".attachments[].content.body[].inlines[].text" {
			t.Errorf("%s: %q", path, text)
		}
	}
	if strings.Contains(string(body), "TextBlock\"") && strings.Contains(string(body), `"TextBlock"`) {
		t.Error("a TextBlock would read Markdown")
	}
}

// special is a character of Markdown that is not escaped.
var special = regexp.MustCompile("(^|[^\\\\])((\\\\\\\\)*)[*_~`|<>\\[\\]()#@:!]")

func checkDiscord(t *testing.T, body []byte) {
	var doc struct {
		Content string
		Embeds  []struct{ Title, Description, URL string }
		Allowed struct{ Parse []string } `json:"allowed_mentions"`
	}
	if err := json.Unmarshal(body, &doc); err != nil {
		t.Fatal(err)
	}
	e := doc.Embeds[0]
	if len(utf16.Encode([]rune(e.Title))) > 256 || len(utf16.Encode([]rune(e.Description))) > 4_096 ||
		e.URL != "https://b/alerts" ||
		doc.Content != "" || doc.Allowed.Parse == nil || len(doc.Allowed.Parse) != 0 {
		t.Errorf("%s", body)
	}
	for _, text := range []string{e.Title, e.Description} {
		if found := special.FindString(text); found != "" {
			t.Errorf("%q is not escaped in %.200s", found, text)
		}
	}
}

func checkTelegram(t *testing.T, body []byte) {
	text := texts(t, body)[".text"]
	tags := regexp.MustCompile(`<[^>]*>`).FindAllString(text, -1)
	if got := strings.Join(tags, ""); got != `<b></b><pre></pre><a href="https://b/alerts"></a>` {
		t.Errorf("the tags are %s", got)
	}
	title, _, _ := strings.Cut(text, "</b>")
	if regexp.MustCompile(`@\w`).MatchString(title) {
		t.Errorf("the title mentions: %s", title)
	}
	shown := html.UnescapeString(regexp.MustCompile(`<[^>]*>`).ReplaceAllString(text, ""))
	if n := len(utf16.Encode([]rune(shown))); n > 4_096 {
		t.Errorf("%d units", n)
	}
}

func checkNtfy(t *testing.T, body []byte) {
	checkPlainJSON(t, body)
	all := texts(t, body)
	if len(all[".message"]) > 4_096 || strings.Contains(all[".title"], "\n") || strings.Contains(string(body),
		`"markdown"`) {
		t.Errorf("%d bytes, title %q", len(all[".message"]), all[".title"])
	}
}

func checkSMS(t *testing.T, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) != 3 || len([]rune(form.Get("Body"))) > maxSMS ||
		!strings.HasSuffix(form.Get("Body"), "...\nhttps://b/alerts") || form.Get("To") != "+4917012345" {
		t.Errorf("%v, %v", form, err)
	}
}

func checkPushover(t *testing.T, body []byte) {
	form, err := url.ParseQuery(string(body))
	if err != nil || len(form) != 8 || form.Has("html") || len([]rune(form.Get("title"))) > 250 ||
		len([]rune(form.Get("message"))) > 1_024 || strings.ContainsAny(form.Get("message"), "\r\x00\u202e") {
		t.Errorf("%v, %v", form, err)
	}
}

func checkPagerDuty(t *testing.T, body []byte) {
	checkPlainJSON(t, body)
	all := texts(t, body)
	if len(all[".payload.summary"]) > 1_024 || len(body) > 512<<10 || all[".links[].href"] != "https://b/alerts" {
		t.Errorf("%s", body)
	}
}
