package send

import (
	"html"
	"net/url"
	"strings"
	"time"
)

// object is a JSON object whose form a service dictates.
type object = map[string]any

// makeSlack makes what an incoming webhook takes: blocks of plain text, in which nothing is a link or a mention
// (https://docs.slack.dev/reference/block-kit/blocks). Mattermost and Rocket.Chat know attachments instead
// (https://developers.mattermost.com/integrate/reference/message-attachments/), whose texts are Markdown.
func makeSlack(in *input) ([]request, error) {
	title := in.accent().icon + " " + in.content.Title
	body := object{"text": escapeSlack(title)}
	if channel := in.option("channel", ""); channel != "" {
		body["channel"] = channel
	}
	if in.option("format", "BLOCKS") == "ATTACHMENTS" {
		attachment := object{
			"color": in.accent().color, "fallback": unmention(title),
			"title": unmention(escapeMarkdown(in.content.Title)),
			"text":  unmention(escapeMarkdown(clipUTF16(in.content.Text, 7_000))),
		}
		if in.message.Link != "" {
			attachment["title_link"] = in.message.Link
		}
		body["text"], body["attachments"] = "", []object{attachment}
		return one(in.post(in.channel.Secrets.URL, body))
	}
	plain := func(text string) object { return object{"type": "plain_text", "text": text, "emoji": false} }
	blocks := []object{{"type": "header", "text": plain(clipUTF16(title, 150))}}
	for _, part := range parts(in.content.Text, 1_500, 10) { // a section has at most 3,000 units of UTF-16
		blocks = append(blocks, object{"type": "section", "text": plain(part)})
	}
	if in.message.Link != "" {
		link := "<" + escapeSlack(strings.ReplaceAll(in.message.Link, "|", "%7C")) + "|Open in Belfry>"
		blocks = append(blocks, object{"type": "context", "elements": []object{{"type": "mrkdwn", "text": link}}})
	}
	body["blocks"] = blocks
	return one(in.post(in.channel.Secrets.URL, body))
}

// escapeSlack escapes the three characters that are special in the text of a message: what is not between < and > is
// neither a link nor a mention (https://docs.slack.dev/messaging/formatting-message-text).
func escapeSlack(text string) string {
	return strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(text)
}

// makeTeams makes a message with an adaptive card, as a workflow with a webhook takes it
// (https://learn.microsoft.com/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using). The texts are
// runs of a RichTextBlock: a TextBlock would read Markdown. A message has at most 28 KB.
func makeTeams(in *input) ([]request, error) {
	colour := "Attention"
	switch in.accent().icon {
	case "✅":
		colour = "Good"
	case "🟠":
		colour = "Warning"
	case "🔵":
		colour = "Accent"
	}
	card := object{
		"$schema": "http://adaptivecards.io/schemas/adaptive-card.json", "type": "AdaptiveCard", "version": "1.4",
		"msteams": object{"width": "Full"},
	}
	body := []object{richText(object{
		"type": "TextRun", "text": in.content.Title, "weight": "Bolder", "size": "Medium", "color": colour,
	})}
	for line := range strings.SplitSeq(clipUTF16(in.content.Text, 5_000), "\n") {
		if line != "" {
			body = append(body, richText(object{"type": "TextRun", "text": line}))
		}
	}
	card["body"] = body
	if in.message.Link != "" {
		card["actions"] = []object{{"type": "Action.OpenUrl", "title": "Open in Belfry", "url": in.message.Link}}
	}
	return one(in.post(in.channel.Secrets.URL, object{"type": "message", "attachments": []object{{
		"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card,
	}}}))
}

func richText(run object) object {
	return object{"type": "RichTextBlock", "inlines": []object{run}}
}

// makeDiscord makes what a webhook takes: an embed, whose texts are Markdown
// (https://docs.discord.com/developers/resources/webhook#execute-webhook). Nobody is mentioned.
func makeDiscord(in *input) ([]request, error) {
	embed := object{
		"title":       escapeMarkdown(clipUTF16(in.accent().icon+" "+in.content.Title, 128)), // at most 256
		"description": escapeMarkdown(clipUTF16(in.content.Text, 2_000)),                     // at most 4,096
		"color":       in.accent().number,
		"timestamp":   time.UnixMilli(in.message.At).UTC().Format(time.RFC3339),
	}
	if in.message.Link != "" {
		embed["url"] = in.message.Link
	}
	return one(in.post(in.channel.Secrets.URL, object{
		"embeds": []object{embed}, "allowed_mentions": object{"parse": []string{}},
	}))
}

// makeTelegram makes what the method sendMessage takes (https://core.telegram.org/bots/api#sendmessage): HTML, in
// which the text is preformatted, so that nothing in it becomes a link, a mention or a command. A message has at
// most 4,096 units of UTF-16, without its tags.
func makeTelegram(in *input) ([]request, error) {
	title := html.EscapeString(unmention(in.accent().icon + " " + in.content.Title))
	text := "<b>" + title + "</b>\n<pre>" + html.EscapeString(clipUTF16(in.content.Text, 3_000)) + "</pre>"
	if in.message.Link != "" {
		text += "\n<a href=\"" + html.EscapeString(in.message.Link) + "\">Open in Belfry</a>"
	}
	body := object{
		"chat_id": in.option("chatId", ""), "text": text, "parse_mode": "HTML",
		"link_preview_options": object{"is_disabled": true},
	}
	if thread := in.option("threadId", ""); thread != "" {
		body["message_thread_id"] = thread
	}
	server := strings.TrimSuffix(in.channel.Server(), "/")
	return one(in.post(server+"/bot"+url.PathEscape(in.secret("token"))+"/sendMessage", body))
}

func one(r request, err error) ([]request, error) { return []request{r}, err }
