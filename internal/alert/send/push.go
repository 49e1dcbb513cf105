package send

import (
	"net/http"
	"net/url"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// makeNtfy makes a message as JSON (https://docs.ntfy.sh/publish/#publish-as-json): as headers, its texts would have
// to be encoded. What is longer than 4,096 bytes would become an attachment.
func makeNtfy(in *input) ([]request, error) {
	priority, tag := 3, "white_check_mark"
	if !in.message.Over() {
		switch in.message.Level() {
		case domain.LevelCritical:
			priority, tag = 5, "rotating_light"
		case domain.LevelWarning:
			priority, tag = 4, "warning"
		case domain.LevelInfo:
			tag = "information_source"
		}
	}
	body := object{
		"topic": in.secret("topic"), "title": in.content.Title, "message": clipBytes(in.content.Text, 4_000),
		"priority": priority, "tags": []string{tag},
	}
	if in.message.Link != "" {
		body["click"] = in.message.Link
	}
	return one(in.post(in.channel.Server(), body))
}

// makeGotify makes a message as https://gotify.net/docs/pushmsg has it. Its text is plain unless said.
func makeGotify(in *input) ([]request, error) {
	priority := 4
	if level := in.message.Level(); !in.message.Over() && level != domain.LevelInfo {
		priority = map[domain.Level]int{domain.LevelWarning: 6, domain.LevelCritical: 8}[level]
	}
	body := object{"title": in.content.Title, "message": in.content.Text, "priority": priority}
	if in.message.Link != "" {
		body["extras"] = object{"client::notification": object{"click": object{"url": in.message.Link}}}
	}
	r, err := in.post(strings.TrimSuffix(in.channel.Secrets.URL, "/")+"/message", body)
	r.header.Del("Authorization")
	r.header.Set("X-Gotify-Key", in.secret("token"))
	return one(r, err)
}

// makePushover makes a message as https://pushover.net/api has it: a title of 250 characters and a text of 1,024,
// without HTML unless said. What is critical is of high priority: it makes a sound also in quiet hours.
func makePushover(in *input) ([]request, error) {
	priority := "0"
	if !in.message.Over() && in.message.Level() == domain.LevelCritical {
		priority = "1"
	}
	form := url.Values{
		"token": {in.secret("token")}, "user": {in.secret("userKey")}, "title": {alert.Clip(in.content.Title, 250)},
		"message": {alert.Clip(in.content.Text, 1_024)}, "priority": {priority},
	}
	if device := in.option("device", ""); device != "" {
		form.Set("device", device)
	}
	if link := in.message.Link; link != "" && len(link) <= 512 {
		form.Set("url", link)
		form.Set("url_title", "Open in Belfry")
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	server := strings.TrimSuffix(in.channel.Server(), "/")
	return []request{{server + "/1/messages.json", header, []byte(form.Encode())}}, nil
}

// maxSMS bounds a text message, in characters. Twilio takes 1,600, in segments of 67 to 153 which are paid for each.
const maxSMS = 480

// makeSMS makes what Twilio takes for one message
// (https://www.twilio.com/docs/messaging/api/message-resource#create-a-message-resource).
func makeSMS(in *input) ([]request, error) {
	text := in.content.Title
	if in.message.Type == domain.NoticeTest || len(in.message.Groups) == 1 {
		text += "\n" + strings.TrimSuffix(in.content.Text, "\n"+in.message.Link)
	}
	link := ""
	if in.message.Link != "" {
		link = "\n" + in.message.Link
	}
	form := url.Values{"To": {in.option("to", "")}, "Body": {alert.Clip(text, maxSMS-len(link)) + link}}
	if from := in.option("from", ""); strings.HasPrefix(from, "MG") && len(from) == 34 {
		form.Set("MessagingServiceSid", from)
	} else {
		form.Set("From", from)
	}
	header := http.Header{"Content-Type": {"application/x-www-form-urlencoded"}}
	in.authorize(header)
	server := strings.TrimSuffix(in.channel.Server(), "/")
	path := "/2010-04-01/Accounts/" + url.PathEscape(in.option("accountSid", "")) + "/Messages.json"
	return []request{{server + path, header, []byte(form.Encode())}}, nil
}
