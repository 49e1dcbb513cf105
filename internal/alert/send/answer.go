package send

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// verdict is what the status of an answer means for a message.
type verdict int

const (
	delivered verdict = iota
	later             // the message is sent again
	refused           // the receiver will never take it
)

// judge says what a status means: of HTTP, or of SMTP for a mail.
//
//	status                    verdict
//	2xx                       delivered
//	410                       refused: whoever was there wants no more
//	400, 413, 414, 415, 422   refused: the same message would be refused again; of a webhook later
//	SMTP 5xx                  refused, but for 521, 530, 534, 535, 538: the server, the login or the encryption
//	others                    later: what is wrong may be put right within the day, such as 401, 403 and 404
//
// A webhook is somebody's own program, which may be repaired while the message is tried.
func judge(kind domain.ChannelKind, status int) verdict {
	switch {
	case kind == domain.ChannelEmail && status >= 500 && status < 600:
		switch status {
		case 521, 530, 534, 535, 538:
			return later
		}
		return refused
	case status >= 200 && status < 300:
		return delivered
	case status == http.StatusGone && kind != domain.ChannelEmail:
		return refused
	case kind == domain.ChannelWebhook || kind == domain.ChannelEmail:
		return later
	}
	if aboutContent(status) {
		return refused
	}
	return later
}

// aboutContent reports whether a status of HTTP is about what the message is.
func aboutContent(status int) bool {
	switch status {
	case http.StatusBadRequest, http.StatusRequestEntityTooLarge, http.StatusRequestURITooLong,
		http.StatusUnsupportedMediaType, http.StatusUnprocessableEntity:
		return true
	}
	return false
}

// unfit reports whether parts of a digest may be taken although the digest is not, by the status of the answer: of a
// webhook, too. 410 is about the channel.
func unfit(kind domain.ChannelKind, status int) bool {
	return aboutContent(status) || kind == domain.ChannelEmail && judge(kind, status) == refused
}

// answered turns the answer to a request into an error, or nil: the message is delivered.
func answered(kind domain.ChannelKind, status int, header http.Header, body []byte, now time.Time) error {
	fault, asked := readAnswer(kind, body)
	what := judge(kind, status)
	if what == delivered && fault == "" {
		return nil
	}
	return &alert.DeliveryError{
		Text:    fmt.Sprintf("%d %s%s", status, http.StatusText(status), firstWords(body)),
		AskedMs: max(asked, retryAfter(header.Get("Retry-After"), now)),
		Refused: what == refused, Unfit: unfit(kind, status),
	}
}

// readAnswer reads what some kinds say in the body: that a message was not delivered although the status is 200, and
// how long they want nothing, in milliseconds.
func readAnswer(kind domain.ChannelKind, body []byte) (fault string, askedMs int64) {
	switch kind { //nolint:exhaustive // the others say all in the status
	case domain.ChannelTeams:
		// The old connectors answer 200 where the message did not arrive: "Webhook message delivery failed with error".
		if strings.Contains(string(body), "failed with error") {
			return "failed", 0
		}
	case domain.ChannelTelegram:
		var answer struct {
			OK         *bool `json:"ok"`
			Parameters struct {
				RetryAfter float64 `json:"retry_after"` // seconds
			} `json:"parameters"`
		}
		if json.Unmarshal(body, &answer) == nil {
			if answer.OK != nil && !*answer.OK {
				fault = "not ok"
			}
			return fault, milliseconds(answer.Parameters.RetryAfter)
		}
	case domain.ChannelDiscord:
		var answer struct {
			RetryAfter float64 `json:"retry_after"` // seconds
		}
		if json.Unmarshal(body, &answer) == nil {
			return "", milliseconds(answer.RetryAfter)
		}
	}
	return "", 0
}

func milliseconds(seconds float64) int64 {
	if seconds < 0 || seconds > 86_400 {
		return 0
	}
	return int64(seconds * 1000)
}

// retryAfter reads how long the receiver wants nothing: seconds, or a date.
func retryAfter(text string, now time.Time) int64 {
	if n, err := strconv.ParseInt(text, 10, 32); err == nil {
		return max(0, n) * 1000
	}
	if at, err := http.ParseTime(text); err == nil {
		return max(0, at.Sub(now).Round(time.Millisecond).Milliseconds())
	}
	return 0
}

const (
	readOfAnswer = 64 << 10 // bytes of an answer that are read
	shownOfIt    = 200      // of which an error shows so many
	// longestSecret is that of a secret of 2,000 characters as it is longest: each byte of four is three in a URL.
	longestSecret = 24 << 10
)

// firstWords are those of an answer, in one line.
func firstWords(answer []byte) string {
	text := alert.OneLine(string(answer))
	if text == "" {
		return ""
	}
	return ": " + text
}

// shown truncates an error that had its secrets hidden before.
func shown(text string) string {
	return alert.Clip(text, shownOfIt+100)
}
