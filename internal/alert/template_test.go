package alert

import (
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestTemplates(t *testing.T) {
	m := SampleMessage(domain.NoticeOpened, "https://b/ui/alerts")
	for text, want := range map[string]string{
		"{{.Level}}: {{.Group.What}} ({{.Group.Jobs}}) since {{.Group.Since}}": "CRITICAL: " +
			"payments.example.com:443, 2,800 jobs (2800) since 2026-03-10 12:00:00 UTC",
		"{{range .Groups}}{{range .Samples}}{{.Name | upper}}: {{truncate 3 .Error}}{{end}}{{end}}": "CHARGE: 503",
		"{{if and .Group.Failures (not .Over)}}{{.Type}}{{else}}over{{end}} {{.Link}}": "alert.opened " +
			"https://b/ui/alerts",
		"{{with .Group.Recovered}}{{.}}{{else}}{{lower .Group.State}}{{end}}":            "open",
		"{{(index .Groups 0).Rule}}{{$x := .Title}}{{len $x | eq 0}}":                    "defaultfalse",
		"{{range $i, $g := .Groups}}{{if eq $i 1}}{{break}}{{end}}{{$g.GroupBy}}{{end}}": "HOST",
	} {
		c, err := Render(domain.ChannelTemplates{Text: text}, m)
		if err != nil || c.Text != want || c.Title != m.Title() {
			t.Errorf("%s: %q, %v", text, c.Text, err)
		}
	}
	c, err := Render(domain.ChannelTemplates{Title: " {{.Title}}\r\nBcc: x@example.com\n"}, m)
	if want := m.Title() + " Bcc: x@example.com"; err != nil || c.Title != want || c.Text != m.Text() {
		t.Errorf("%+v, %v", c, err)
	}
}

// A template that cannot be read, that names what is not there, or that could run without limit is refused by the
// name of its field, in time and memory that are bounded.
func TestTemplatesAreBounded(t *testing.T) {
	nested := strings.Repeat("{{range .Groups}}{{range .Samples}}", 1)
	much := []string{
		`{{range 5000}}` + strings.Repeat(`{{if 0}}{{end}}`, 500) + `{{end}}x`,
		`{{range 4000}}` + strings.Repeat(`{{$x := 0}}`, 600) + `{{end}}x`,
		`{{range 4000}}{{range 1}}` + strings.Repeat(`x{{break}}`, 700) + `{{end}}{{end}}x`,
	}
	for text, want := range map[string]string{
		"{{.Nope}}":                "Nope",
		"{{.Title":                 "unclosed action",
		"{{if false}}":             "unexpected EOF",
		`{{printf "%1000000d" 1}}`: "must not use the function printf",
		`{{call .Title}}`:          "must not use the function call",
		`{{html .Title}}`:          "must not use the function html",
		`{{$x := "a"}}{{if (print $x $x)}}{{end}}`:                  "must not use the function print",
		`{{with $x := (print "a")}}{{end}}`:                         "must not use the function print",
		`{{step}}`:                                                  "must not use the function step",
		`{{define "a"}}{{template "a"}}{{end}}x`:                    "must not define templates",
		`{{template "template" .}}`:                                 "must not call templates",
		`{{block "a" .}}x{{end}}`:                                   "must not define templates",
		`{{range 1000000000}}{{end}}`:                               "more than 5000 iterations",
		`{{range 70}}{{range 70}}{{range 70}}{{end}}{{end}}{{end}}`: "more than 5000 iterations",
		`{{range 1000000000}}{{else}}x{{end}}`:                      "more than 5000 iterations",
		`{{range 4000}}{{$.Title}}{{end}}`:                          "makes more than 16384 bytes",
		much[0]:                                                     "does too much",
		much[1]:                                                     "does too much",
		much[2]:                                                     "does too much",
		"{{if eq .Type \"nope\"}}x{{end}}":                          "makes an empty text",
		nested + "{{.Name.Foo}}{{end}}{{end}}":                      "can't evaluate field Foo",
		"{{index .Groups 7}}":                                       "index out of range",
	} {
		began := time.Now()
		err := CheckTemplates(domain.ChannelTemplates{Text: text})
		if domain.ErrorCode(err) != domain.CodeInvalid || !strings.Contains(err.Error(), "templates.text: ") ||
			!strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %s", text, err, want)
		}
		if time.Since(began) > 20*time.Second {
			t.Errorf("%s took %s", text, time.Since(began))
		}
	}
	if err := CheckTemplates(domain.ChannelTemplates{Title: "{{.Nope}}"}); err == nil ||
		!strings.Contains(err.Error(), "templates.title: ") {
		t.Error(err)
	}
	if err := CheckTemplates(domain.ChannelTemplates{Title: "{{.Title}}", Text: "{{.Text}}"}); err != nil {
		t.Error(err)
	}
	if err := CheckTemplates(domain.ChannelTemplates{}); err != nil {
		t.Error(err)
	}
}

// What functions do with long texts counts, too, and a template that another build has stored is bounded when it is
// used.
func TestTheWorkOfTemplatesIsBounded(t *testing.T) {
	m := SampleMessage(domain.NoticeDigest, "https://b/ui/alerts")
	for len(m.Groups) < 200 {
		m.Groups = append(m.Groups, m.Groups[0])
	}
	long := strings.Repeat(`{{if eq (upper $.Text) (lower (truncate 20000 $.Text))}}{{end}}`, 100)
	for text, want := range map[string]string{
		"{{range .Groups}}" + long + "{{end}}x":                 "does too much",
		strings.Repeat("x", domain.MaxChannelTemplate+1):        "has more than 8192 bytes",
		"{{range .Groups}}{{range .Samples}}{{end}}{{end}}x":    "",
		"{{range .Groups}}{{upper .What}}: {{.State}}\n{{end}}": "",
		"{{if eq (len .Text) 0}}{{else}}{{.Title}}{{end}}":      "",
	} {
		_, err := Render(domain.ChannelTemplates{Text: text}, m)
		if (err != nil) != (want != "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%.80s: %v, want %s", text, err, want)
		}
	}
}

// The texts that a template gets are plain and bounded: a name makes no line of its own.
func TestTheDataOfTemplatesIsPlain(t *testing.T) {
	m := SampleMessage(domain.NoticeOpened, "https://b/ui/alerts")
	g := &m.Groups[0]
	g.Counts.AllJobs, g.Key = 1, "a\nb"
	g.Samples[0].Name = "charge\n- job b: fine\u202e" + strings.Repeat("n", 300)
	g.Samples[0].Error, g.Samples[0].Target = "500\r\nall is well "+strings.Repeat("e", 50_000), "t\nu"
	for len(m.Groups) < 200 {
		m.Groups = append(m.Groups, *g)
	}
	d := dataOf(m)
	if len(d.Text) > maxText || len(d.Title) > maxTitle || strings.Contains(d.Text, "\u202e") {
		t.Errorf("a title of %d, a text of %d bytes", len(d.Title), len(d.Text))
	}
	for name, text := range map[string]string{
		"What": d.Group.What, "Key": d.Group.Key, "Name": d.Group.Samples[0].Name,
		"Error": d.Group.Samples[0].Error, "Target": d.Group.Samples[0].Target,
	} {
		if strings.ContainsAny(text, "\r\n\u202e") || len(text) > 400 {
			t.Errorf("%s: %q", name, text)
		}
	}
}

// People are told also where a template fails.
func TestTemplateThatFailsIsNotUsed(t *testing.T) {
	m := SampleMessage(domain.NoticeOpened, "")
	c := ContentOf(domain.ChannelTemplates{Title: "{{.Group.Key}}", Text: "{{index .Groups 1}}"}, m)
	if c.Title != m.Title() || !strings.HasPrefix(c.Text,
		m.Text()+"\n\nThe templates of this channel were not used: ") {
		t.Errorf("%+v", c)
	}
}

// What others wrote has no characters that control something, and a digest of many groups is not too long.
func TestContentIsPlain(t *testing.T) {
	m := SampleMessage(domain.NoticeOpened, "https://b/ui/alerts")
	g := &m.Groups[0]
	g.Counts.AllJobs = 1
	g.Samples[0].Name = "a\r\nBcc: x@example.com\x00\x1b[31m\u202e" + strings.Repeat("n", 500)
	g.Samples[0].Error = "500\n- job b: fine"
	c := ContentOf(domain.ChannelTemplates{}, m)
	if strings.ContainsAny(c.Title, "\r\n\x00\x1b\u202e") || len(c.Title) > maxTitle ||
		!strings.HasPrefix(c.Title, "Failing: job a Bcc: x@example.com [31mnnn") || !strings.HasSuffix(c.Title,
		"n...") {
		t.Errorf("the title is %q", c.Title)
	}
	if strings.ContainsAny(c.Text, "\r\x00\x1b\u202e") || strings.Count(c.Text, "\n- ") != 1 {
		t.Errorf("the text is %q", c.Text)
	}
	m.Type = domain.NoticeDigest
	for len(m.Groups) < 200 {
		m.Groups = append(m.Groups, *g)
	}
	if c = ContentOf(domain.ChannelTemplates{}, m); len(c.Text) > maxText || !strings.HasSuffix(c.Text,
		"\n...\nhttps://b/ui/alerts") {
		t.Errorf("%d bytes, which end in %q", len(c.Text), c.Text[len(c.Text)-40:])
	}
}

func TestSampleLines(t *testing.T) {
	m := SampleMessage(domain.NoticeOpened, "")
	const want = "14,200 failed executions since 2026-03-10 12:00:00 UTC.\n- job charge (payments.example.com:443): " +
		"503 Service Unavailable: no upstream (5 times in a row, next call at 2026-03-10 12:01:00 UTC)\n" +
		"- and 2,799 jobs more"
	if got := m.Text(); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	m.At = m.Groups[0].Samples[0].NextAt // it is told late
	if got := m.Text(); strings.Contains(got, "next call") {
		t.Errorf("what was to come has passed: %s", got)
	}
	over := SampleMessage(domain.NoticeRecovered, "")
	if got := over.Text(); strings.Contains(got, "next call") || !strings.Contains(got,
		"over since 2026-03-10 12:10:00 UTC") {
		t.Errorf("over: %s", got)
	}
}

func TestLevelOfMessages(t *testing.T) {
	group := func(level domain.Level, recovered int64) domain.Group {
		return domain.Group{Level: level, RecoveredAt: recovered}
	}
	for name, c := range map[string]struct {
		groups []domain.Group
		level  domain.Level
		over   bool
	}{
		"a warning": {[]domain.Group{group(domain.LevelWarning, 0)}, domain.LevelWarning, false},
		"the worst": {[]domain.Group{group(domain.LevelInfo, 0), group(domain.LevelCritical, 0),
			group(domain.LevelWarning, 0)}, domain.LevelCritical, false},
		"what is over is not": {[]domain.Group{group(domain.LevelCritical, 1), group(domain.LevelInfo, 0)},
			domain.LevelInfo, false},
		"all of which are over": {[]domain.Group{group(domain.LevelCritical, 1), group(domain.LevelInfo, 1)},
			domain.LevelCritical, true},
	} {
		m := Message{Type: domain.NoticeDigest, Groups: c.groups}
		if m.Level() != c.level || m.Over() != c.over {
			t.Errorf("%s: %s, %t", name, m.Level(), m.Over())
		}
	}
	if test := SampleMessage(domain.NoticeTest, ""); test.Over() || test.Level() != domain.LevelInfo {
		t.Error("a test is not of the level INFO")
	}
}
