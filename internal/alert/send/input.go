package send

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// input is what a message is made of.
type input struct {
	channel *domain.Channel
	message *alert.Message
	content alert.Content
	now     time.Time
}

// request is one POST to a receiver.
type request struct {
	url    string
	header http.Header
	body   []byte
}

// option returns an option, or what it is where it is not set.
func (in *input) option(name, otherwise string) string {
	return cmp.Or(in.channel.Options[name], otherwise)
}

func (in *input) secret(name string) string { return in.channel.Secrets.Values[name] }

// post makes a request with JSON.
func (in *input) post(url string, body any) (request, error) {
	content, err := json.Marshal(body)
	header := http.Header{"Content-Type": {"application/json"}}
	in.authorize(header)
	return request{url, header, content}, err
}

// authorize sets the token, or else the user and the password, of a channel that has one.
func (in *input) authorize(header http.Header) {
	if in.channel.Kind == domain.ChannelTelegram {
		return // its token is in the path
	}
	user, password, token := in.option("user", ""), in.secret("password"), in.secret("token")
	switch {
	case in.channel.Kind == domain.ChannelSMS:
		basic(header, in.option("user", in.option("accountSid", "")), token)
	case token != "":
		header.Set("Authorization", "Bearer "+token)
	case password != "":
		basic(header, user, password)
	}
}

func basic(header http.Header, user, password string) {
	r := http.Request{Header: header}
	r.SetBasicAuth(user, password)
}

// accent is how a message looks: of something that is over, or of how bad it is.
type accent struct {
	icon   string // for the title of a chat
	color  string // #rrggbb
	number int    // the same colour
}

func (in *input) accent() accent {
	switch {
	case in.message.Type == domain.NoticeTest:
		return accent{"🔵", "#4a7fc1", 0x4a7fc1}
	case in.message.Over():
		return accent{"✅", "#2e9e5b", 0x2e9e5b}
	}
	switch in.message.Level() {
	case domain.LevelInfo:
		return accent{"🔵", "#4a7fc1", 0x4a7fc1}
	case domain.LevelWarning:
		return accent{"🟠", "#d98a1f", 0xd98a1f}
	case domain.LevelCritical:
	}
	return accent{"🔴", "#cc2f2f", 0xcc2f2f}
}

// clipUTF16 truncates a text to so many units of UTF-16, as several services count.
func clipUTF16(text string, most int) string {
	n, cut := 0, 0 // units so far, and where the text is cut if it has too many
	for i, r := range text {
		if n <= most-3 {
			cut = i
		}
		if n += max(1, utf16.RuneLen(r)); n > most {
			return text[:cut] + "..."
		}
	}
	return text
}

// clipBytes truncates a text to so many bytes.
func clipBytes(text string, most int) string {
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most-3], "") + "..."
}

// parts cuts a text into at most so many parts of so many characters, at the ends of lines where there are any.
func parts(text string, most, count int) (list []string) {
	runes := []rune(text)
	for len(runes) > most && len(list) < count-1 {
		cut := most
		for i := most; i > most/2; i-- {
			if runes[i-1] == '\n' {
				cut = i
				break
			}
		}
		list, runes = append(list, strings.TrimSuffix(string(runes[:cut]), "\n")), runes[cut:]
	}
	if last := alert.Clip(string(runes), most); strings.TrimSpace(last) != "" {
		list = append(list, last)
	}
	return list
}

// unmention keeps a text from notifying people: a word joiner follows each @.
func unmention(text string) string { return strings.ReplaceAll(text, "@", "@\u2060") }

// escapeMarkdown escapes each punctuation mark of ASCII with a backslash, as CommonMark permits.
func escapeMarkdown(text string) string {
	var b strings.Builder
	for _, r := range text {
		if r > ' ' && r < 0x7f && !isWord(r) {
			b.WriteByte('\\')
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isWord(r rune) bool {
	return r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
}
