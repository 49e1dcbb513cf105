package send

import (
	"encoding/json"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
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

func bodyOf(m *alert.Message) ([]byte, error) {
	b := body{
		Type: m.Type, Timestamp: time.UnixMilli(m.At).UTC().Format("2006-01-02T15:04:05.000Z"),
		Data: data{Title: m.Title(), Text: m.Text(), URL: m.Link, Groups: []group{}},
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
