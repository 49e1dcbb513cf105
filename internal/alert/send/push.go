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
