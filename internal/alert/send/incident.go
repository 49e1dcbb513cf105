package send

import (
	"maps"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// makePagerDuty makes an event of the Events API v2 for each group of a message: it triggers the incident of the
// group, or resolves it (https://developer.pagerduty.com/docs/send-alert-event). The key of the incident is the id of
// the group, so that a repeat changes nothing. A test triggers an incident and resolves it.
func makePagerDuty(in *input) (list []request, err error) {
	add := func(body object) {
		body["routing_key"] = in.secret("routingKey")
		var r request
		if r, err = in.post(in.channel.Server(), body); err == nil {
			list = append(list, r)
		}
	}
	if in.message.Type == domain.NoticeTest {
		key := in.message.ID.String()
		add(in.trigger(key, "info", in.content.Title, "Belfry", object{}))
		add(object{"event_action": "resolve", "dedup_key": key})
		return list, err
	}
	for i := range in.message.Groups {
		g := &in.message.Groups[i]
		if g.RecoveredAt != 0 {
			add(object{"event_action": "resolve", "dedup_key": g.ID.String()})
			continue
		}
		content, severity := in.about(g), "critical"
		switch g.Level {
		case domain.LevelInfo:
			severity = "info"
		case domain.LevelWarning:
			severity = "warning"
		case domain.LevelCritical:
		}
		add(in.trigger(g.ID.String(), severity, content.Title, alert.HostLabel(g.Key), object{
			"text": content.Text, "jobs": g.Counts.Jobs, "failures": g.Counts.Failures, "rule": g.Rule,
			"since": rfc3339(g.FirstAt),
		}))
	}
	return list, err
}

// about returns the content about one group, also of a digest.
func (in *input) about(g *domain.Group) alert.Content {
	if len(in.message.Groups) == 1 {
		return in.content
	}
	m := *in.message
	m.Type, m.Groups = domain.NoticeUpdated, []domain.Group{*g}
	if g.RecoveredAt != 0 {
		m.Type = domain.NoticeRecovered
	}
	return alert.ContentOf(in.channel.Templates, &m)
}

// trigger makes the event that opens an incident. Its summary has at most 1,024 characters.
func (in *input) trigger(key, severity, summary, source string, details object) object {
	event := object{
		"event_action": "trigger", "dedup_key": key, "client": "Belfry",
		"payload": object{
			"summary": clipUTF16(summary, 1_024), "source": alert.Clip(alert.OneLine(source), 255),
			"severity":  severity,
			"timestamp": rfc3339(in.message.At), "custom_details": details,
		},
	}
	if in.message.Link != "" {
		event["client_url"] = in.message.Link
		event["links"] = []object{{"href": in.message.Link, "text": "Open in Belfry"}}
	}
	return event
}

func rfc3339(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02T15:04:05.000Z") }

// alertLasts is for how long Alertmanager keeps a group open of which it hears nothing. It hears of it each minute
// (package alert), so that this is for the time in which Belfry is updated, or another node takes over. Without an end
// of its own it would be the resolve_timeout of Alertmanager, of 5 minutes.
const alertLasts = 30 * time.Minute

// makeAlertmanager makes an alert for each group of a message, as POST /api/v2/alerts takes them
// (https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml). Its labels are the same as long as the
// group is open; the end of a group is the end of its alert.
func makeAlertmanager(in *input) ([]request, error) {
	labels := object{}
	for pair := range strings.SplitSeq(in.option("labels", ""), ",") {
		if name, value, ok := strings.Cut(pair, "="); ok {
			labels[strings.TrimSpace(name)] = strings.TrimSpace(value)
		}
	}
	alerts := []object{}
	add := func(own object, c alert.Content, from, to string) {
		all := maps.Clone(labels)
		maps.Copy(all, own)
		a := object{
			"labels": all, "annotations": object{"summary": c.Title, "description": c.Text}, "startsAt": from,
			"endsAt": to,
		}
		if in.message.Link != "" {
			a["generatorURL"] = in.message.Link
		}
		alerts = append(alerts, a)
	}
	if in.message.Type == domain.NoticeTest {
		add(object{"alertname": "BelfryTest", "severity": "info", "belfry_group": in.message.ID.String()}, in.content,
			rfc3339(in.message.At), rfc3339(in.now.Add(time.Minute).UnixMilli()))
	}
	for i := range in.message.Groups {
		g := &in.message.Groups[i]
		end := in.now.Add(alertLasts).UnixMilli()
		if g.RecoveredAt != 0 {
			end = g.RecoveredAt
		}
		add(object{
			"alertname": "BelfryJobsFail", "severity": strings.ToLower(string(g.Level)), "rule": g.Rule,
			"belfry_group": g.ID.String(), strings.ToLower(string(g.By)): alert.HostLabel(g.Key),
		}, in.about(g), rfc3339(g.FirstAt), rfc3339(end))
	}
	return one(in.post(strings.TrimSuffix(in.channel.Secrets.URL, "/")+"/api/v2/alerts", alerts))
}
