package send

import (
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// The body of a webhook, as docs/alerts.md describes it. Fields are added, and keep their meaning.
type (
	body struct {
		Type      domain.NotificationType `json:"type"`
		Timestamp string                  `json:"timestamp"` // when the message was made, RFC 3339
		Data      data                    `json:"data"`
	}

	data struct {
		Title  string  `json:"title"`
		Text   string  `json:"text"`
		URL    string  `json:"url,omitempty"`
		Groups []group `json:"groups"`
	}

	// group has instants in Unix milliseconds, as the API.
	group struct {
		ID           domain.GroupID       `json:"id"`
		Rule         string               `json:"rule"`
		Level        domain.Level         `json:"level"`
		State        domain.GroupState    `json:"state"`
		GroupBy      domain.GroupBy       `json:"groupBy"`
		Key          string               `json:"key"`
		Jobs         int                  `json:"jobs"`
		AllJobs      int                  `json:"allJobs"`
		Failures     int64                `json:"failures"`
		FirstAt      int64                `json:"firstAt"`
		LastAt       int64                `json:"lastAt"`
		RecoveredAt  *int64               `json:"recoveredAt"`
		Acknowledged bool                 `json:"acknowledged"`
		Samples      []domain.GroupSample `json:"samples"`
	}
)

// makeWebhook makes a request that is signed as Standard Webhooks says. Without a secret its headers are the id and the
// time alone.
func makeWebhook(in *input) ([]request, error) {
	content, err := bodyOf(in)
	if err != nil {
		return nil, err
	}
	id, now := in.message.ID.String(), in.now.Unix()
	header := http.Header{"Content-Type": {"application/json"}}
	header.Set("Webhook-Id", id)
	header.Set("Webhook-Timestamp", strconv.FormatInt(now, 10))
	signer, err := webhook.NewSigner(in.channel.Secrets.Signing)
	if err != nil {
		return nil, err
	}
	if signer != nil {
		for line := range strings.SplitSeq(string(signer.AppendHeaders(nil, []byte(id), now, content)), "\r\n") {
			if name, value, ok := strings.Cut(line, ":"); ok {
				header.Set(name, strings.TrimSpace(value))
			}
		}
	}
	return []request{{in.channel.Secrets.URL, header, content}}, nil
}

func bodyOf(in *input) ([]byte, error) {
	m := in.message
	b := body{
		Type: m.Type, Timestamp: time.UnixMilli(m.At).UTC().Format("2006-01-02T15:04:05.000Z"),
		Data: data{Title: in.content.Title, Text: in.content.Text, URL: m.Link, Groups: []group{}},
	}
	for i := range m.Groups {
		g := &m.Groups[i]
		out := group{
			ID: g.ID, Rule: g.Rule, Level: g.Level, State: g.State, GroupBy: g.By, Key: g.Key, Jobs: g.Counts.Jobs,
			AllJobs: g.Counts.AllJobs, Failures: g.Counts.Failures, FirstAt: g.FirstAt, LastAt: g.LastAt,
			Acknowledged: g.State == domain.GroupAcknowledged, Samples: append([]domain.GroupSample{}, g.Samples...),
		}
		if g.RecoveredAt != 0 {
			out.RecoveredAt = &g.RecoveredAt
		}
		b.Data.Groups = append(b.Data.Groups, out)
	}
	return json.Marshal(b)
}
