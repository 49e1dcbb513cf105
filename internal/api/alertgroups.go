package api

import (
	"context"
	"net/http"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// groupRoutes show of which alerts people are told, and acknowledge them.
type groupRoutes struct {
	notices store.Notices
	clock   clock.Clock
	trail   *trail
}

func (h *groupRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-alert-groups", Method: http.MethodGet, Path: "/alerts/groups", Tags: []string{"Alerts"},
		Summary: "List groups of alerts",
		Description: "A group is alerts that have one cause, as far as is known, of which people are told together. " +
			"Newest first. " + pageEnds + " For keys of all namespaces.",
	}, h.list, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-alert-group", Method: http.MethodGet, Path: "/alerts/groups/{id}", Tags: []string{"Alerts"},
		Summary:     "Show a group of alerts",
		Description: "As in the list. For keys of all namespaces.",
	}, h.get, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "acknowledge-alert-group", Method: http.MethodPost, Path: "/alerts/groups/{id}/acknowledge",
		Tags: []string{"Alerts"}, Summary: "Acknowledge a group of alerts",
		Description: "Says that somebody looks after it: nothing is repeated until more jobs fail, or until it is " +
			"over. 409: no alert of it is open.",
	}, h.acknowledge, kindNotFound, kindConflict, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "list-notifications", Method: http.MethodGet, Path: "/notifications", Tags: []string{"Alerts"},
		Summary: "List messages about alerts",
		Description: "What channels were told, or are to be told, with the outcome of the last attempt. Newest " +
			"first. " + pageEnds + " For keys of all namespaces.",
	}, h.messages, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "resend-notification", Method: http.MethodPost, Path: "/notifications/{id}/resend",
		Tags: []string{"Alerts"}, Summary: "Send a message again",
		Description: "Whatever has become of it before. It has the same id, and says what was so then.",
	}, h.resend, kindNotFound, kindUnavailable)
}

type alertGroupBody struct {
	ID          string            `json:"id" format:"uuid" doc:"The group's id, as in messages." example:"019b76da-a811-8696-9fd2-ecffa5bae4f6"`
	Rule        string            `json:"rule" doc:"The rule by which people are told." example:"default"`
	State       domain.GroupState `json:"state" enum:"WAITING,OPEN,ACKNOWLEDGED,FLAPPING,RECOVERED,CLOSED" doc:"WAITING: nobody was told yet. OPEN: the channels know of it. ACKNOWLEDGED: somebody looks after it. FLAPPING: it recovers and fails in turn. RECOVERED: no alert of it is open. CLOSED: it does not change any more." example:"OPEN"`
	Level       domain.Level      `json:"level" enum:"INFO,WARNING,CRITICAL" doc:"How bad it is." example:"CRITICAL"`
	GroupBy     domain.GroupBy    `json:"groupBy" enum:"HOST,NAMESPACE,JOB" doc:"What its alerts have in common." example:"HOST"`
	Key         string            `json:"key" doc:"The host, namespace or job; with SERVER and UNDELIVERABLE the check, node or channel." example:"https://payments.example.com:443"`
	Jobs        int               `json:"jobs" doc:"Jobs that fail now." example:"2800"`
	AllJobs     int               `json:"allJobs" doc:"Jobs that have failed since it began." example:"2800"`
	Failures    int64             `json:"failures" doc:"Their failed executions." example:"14200"`
	FirstAt     int64             `json:"firstAt" format:"unix-ms" doc:"The first failure, Unix milliseconds." example:"1767225600145"`
	LastAt      int64             `json:"lastAt" format:"unix-ms" doc:"The latest failure, Unix milliseconds." example:"1767225720145"`
	RecoveredAt *int64            `json:"recoveredAt" format:"unix-ms" doc:"When the last alert of it ended, Unix milliseconds; null: one is open." example:"1767225780102"`
	ToldAt      *int64            `json:"toldAt" format:"unix-ms" doc:"When people were told last, Unix milliseconds; null: not yet." example:"1767225610145"`

	When         domain.ConditionKind `json:"when" enum:"FAILURES,FAILED_OF_LAST,SUCCESS_RATE,DURATION,DRIFT,MISSED,SKIPPED,LOST,NOT_RUN,SERVER,UNDELIVERABLE" doc:"The condition that holds for its jobs: see the rules." example:"FAILURES"`
	Silenced     *quietBody           `json:"silenced,omitempty" doc:"By what people are not told of it now."`
	Acknowledged *acknowledgementBody `json:"acknowledged,omitempty" doc:"Who looks after it."`
	Samples      []alertSampleBody    `json:"samples" nullable:"false" doc:"The jobs that failed first, five at most. With SERVER and UNDELIVERABLE one that is no job: its name says what it is about."`
}

type acknowledgementBody struct {
	At int64       `json:"at" format:"unix-ms" doc:"Since when, Unix milliseconds." example:"1767225640000"`
	By operationBy `json:"by" doc:"Who."`
}

type quietBody struct {
	Kind   domain.QuietKind `json:"kind" enum:"SILENCE,WINDOW" doc:"A silence, or a maintenance window." example:"SILENCE"`
	ID     string           `json:"id" doc:"Its id." example:"s-mzxw6ytboi"`
	Reason string           `json:"reason" doc:"Why." example:"new disks"`
	By     operationBy      `json:"by" doc:"Who has made it."`
	Until  int64            `json:"until" format:"unix-ms" doc:"When it ends, Unix milliseconds." example:"1767232800000"`
}

type alertSampleBody struct {
	JobID       string  `json:"jobId" format:"uuid" doc:"The job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Name        string  `json:"name,omitempty" doc:"Its name." example:"charge"`
	Namespace   string  `json:"namespace,omitempty" doc:"Its namespace." example:"default"`
	Target      string  `json:"target,omitempty" doc:"The host that it calls." example:"payments.example.com:443"`
	ExecutionID string  `json:"executionId" format:"uuid" doc:"The latest execution that failed." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	HTTPStatus  *int    `json:"httpStatus" doc:"Its HTTP status; null: no response." example:"503"`
	Error       *string `json:"error" doc:"What went wrong." example:"503 Service Unavailable"`
	Count       int64   `json:"count" doc:"Failures in a row." example:"5"`
	LastAt      int64   `json:"lastAt" format:"unix-ms" doc:"The latest failure, Unix milliseconds." example:"1767225720145"`
}

func alertGroupBodyOf(g *domain.Group) alertGroupBody {
	b := alertGroupBody{
		ID: g.ID.String(), Rule: g.Rule, State: g.State, Level: g.Level, GroupBy: g.By, Key: g.Key,
		Jobs: g.Counts.Jobs, AllJobs: g.Counts.AllJobs, Failures: g.Counts.Failures, FirstAt: g.FirstAt,
		LastAt: g.LastAt, RecoveredAt: unlessZero(g.RecoveredAt), ToldAt: unlessZero(g.Told.At),
		Samples: []alertSampleBody{}, When: g.When,
	}
	if b.When == "" {
		b.When = domain.WhenFailures
	}
	if q := g.Quiet; q != nil {
		b.Silenced = &quietBody{q.Kind, q.ID, q.Reason, operationBy{q.By.Key, q.By.Name}, q.Until}
	}
	if g.Ack.At != 0 {
		b.Acknowledged = &acknowledgementBody{g.Ack.At, operationBy{g.Ack.By.Key, g.Ack.By.Name}}
	}
	for i := range g.Samples {
		s := &g.Samples[i]
		b.Samples = append(b.Samples, alertSampleBody{
			JobID: s.JobID.String(), Name: s.Name, Namespace: s.Namespace, Target: s.Target,
			ExecutionID: s.Execution.String(), HTTPStatus: unlessZero(s.HTTPStatus), Error: unlessZero(s.Error),
			Count: s.Count, LastAt: s.LastAt,
		})
	}
	return b
}

type groupsInput struct {
	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
	Open   boolParam  `query:"open" doc:"true: only groups that are not closed."`
}

type groupsOutput struct{ Body alertGroupsBody }

type alertGroupsBody struct {
	Groups     []alertGroupBody `json:"groups" nullable:"false" doc:"The page, newest first."`
	NextCursor string           `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

// sizeOfGroup is about what a group takes at most: five samples with their texts.
const sizeOfGroup = 6_000

// noticePage reads which page of a list is asked for: how many entries, and those before which one.
func noticePage(of wire.CursorList, limit limitParam, cursor string) (n int, before domain.JobID, err error) {
	if n, err = limit.parse(); err != nil {
		return 0, before, err
	}
	from, err := wire.ParseCursor(of, cursor)
	return n, from.Job, err
}

// nextNotices is the cursor of the page after an entry, if there is one.
func nextNotices(of wire.CursorList, more bool, last domain.JobID) string {
	if !more {
		return ""
	}
	return wire.Cursor{List: of, Job: last}.String()
}

func (h *groupRoutes) list(ctx context.Context, in *groupsInput) (*groupsOutput, error) {
	limit, before, err := noticePage(wire.CursorGroups, in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	open, err := in.Open.parse("open")
	if err != nil {
		return nil, err
	}
	found, err := h.notices.Groups(ctx, store.GroupQuery{
		Open: open != nil && *open, Before: domain.GroupID(before), Limit: limit + 1,
	})
	if err != nil {
		return nil, store.Coded(err)
	}
	page, more := cutPage(found, limit, false)
	out := &groupsOutput{alertGroupsBody{Groups: make([]alertGroupBody, len(page))}}
	for i := range page {
		out.Body.Groups[i] = alertGroupBodyOf(&page[i])
		out.Body.NextCursor = nextNotices(wire.CursorGroups, more, domain.JobID(page[i].ID))
	}
	fit(ctx, sizeOfGroup*len(page))
	return out, nil
}

type groupInput struct {
	request
	ID string `path:"id" format:"uuid" doc:"The group's id." example:"019b76da-a811-8696-9fd2-ecffa5bae4f6"`
}

type groupOutput struct{ Body alertGroupBody }

func (h *groupRoutes) get(ctx context.Context, in *groupInput) (*groupOutput, error) {
	id, err := domain.ParseGroupID(in.ID)
	if err != nil {
		return nil, asParameter("id", err)
	}
	g, err := h.find(ctx, id)
	if err != nil {
		return nil, err
	}
	return &groupOutput{alertGroupBodyOf(&g)}, nil
}

// find returns a group. The error is for the client.
func (h *groupRoutes) find(ctx context.Context, id domain.GroupID) (domain.Group, error) {
	found, err := h.notices.Groups(ctx, store.GroupQuery{IDs: []domain.GroupID{id}, Limit: 1})
	if err == nil && len(found) == 0 {
		err = domain.NotFound("group", id)
	}
	if err != nil {
		return domain.Group{}, store.Coded(err)
	}
	return found[0], nil
}

// acknowledgeTries is how often a group is read again that has changed meanwhile.
const acknowledgeTries = 5

func (h *groupRoutes) acknowledge(ctx context.Context, in *groupInput) (*groupOutput, error) {
	id, err := domain.ParseGroupID(in.ID)
	if err != nil {
		return nil, asParameter("id", err)
	}
	entry := h.trail.changeBy(ctx, domain.ActionAcknowledge)
	entry.Detail = id.String()
	ctx = store.WithChange(ctx, entry)
	for range acknowledgeTries {
		var g domain.Group
		if g, err = h.find(ctx, id); err != nil {
			return nil, err
		}
		now := clock.NowMs(h.clock)
		if !alert.Acknowledge(&g, visitorOf(ctx).author, "", now) {
			return nil, domain.Conflict("no alert of group %s is open: it is %s", id, g.State)
		}
		err = h.notices.Advance(ctx, store.NoticeStep{At: now, Groups: []domain.Group{g}})
		if err == nil {
			return &groupOutput{alertGroupBodyOf(&g)}, nil
		}
		if domain.ErrorCode(err) != domain.CodeConflict {
			break
		}
	}
	return nil, store.Coded(err)
}

type notificationBody struct {
	ID        string                   `json:"id" format:"uuid" doc:"The message's id: the webhook-id." example:"019b76da-a900-8696-9fd2-ecffa5bae4f6"`
	Channel   string                   `json:"channel" doc:"Where it goes." example:"env"`
	GroupID   string                   `json:"groupId" format:"uuid" doc:"The group that it is about." example:"019b76da-a811-8696-9fd2-ecffa5bae4f6"`
	Type      domain.NotificationType  `json:"type" doc:"What it says: alert.opened, alert.updated or alert.recovered." example:"alert.opened"`
	State     domain.NotificationState `json:"state" enum:"PENDING,DELIVERED,UNDELIVERABLE,SUPERSEDED" doc:"PENDING: it is to be sent. DELIVERED: the channel has it. UNDELIVERABLE: it was tried for a day, or its channel is gone. SUPERSEDED: a later one took its place." example:"DELIVERED"`
	Title     string                   `json:"title" doc:"Its first line." example:"Failing: payments.example.com:443, 2,800 jobs"`
	CreatedAt int64                    `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds." example:"1767225610145"`
	Attempts  int                      `json:"attempts" doc:"How often it was tried." example:"1"`
	LastAt    *int64                   `json:"lastAt" format:"unix-ms" doc:"The last attempt, Unix milliseconds; null: there was none." example:"1767225610200"`
	Error     *string                  `json:"error" doc:"Why that failed; null: it did not." example:"503 Service Unavailable"`
	NextAt    *int64                   `json:"nextAt" format:"unix-ms" doc:"The next attempt, Unix milliseconds; null: there is none." example:"1767225615200"`
	EndedAt   *int64                   `json:"endedAt" format:"unix-ms" doc:"When its state became final, Unix milliseconds; null: it is pending." example:"1767225610200"`
}

func notificationBodyOf(n *domain.Notification) notificationBody {
	d := &n.Delivery
	m := alert.Message{Type: n.Type, Groups: []domain.Group{n.About}}
	b := notificationBody{
		ID: n.ID.String(), Channel: n.Channel, GroupID: n.Group.String(), Type: n.Type, State: n.State,
		Title: m.Title(), CreatedAt: n.CreatedAt, Attempts: d.Attempts, LastAt: unlessZero(d.LastAt),
		Error: unlessZero(d.Error), EndedAt: unlessZero(d.EndedAt),
	}
	if !n.State.Ended() {
		b.NextAt = unlessZero(n.NextAt)
	}
	return b
}

type messagesInput struct {
	Limit   limitParam `query:"limit"`
	Cursor  string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
	Channel string     `query:"channel" maxLength:"64" doc:"Only those to a channel." example:"env"`
	GroupID string     `query:"groupId" format:"uuid" doc:"Only those about a group." example:"019b76da-a811-8696-9fd2-ecffa5bae4f6"`
}

type messagesOutput struct{ Body notificationsBody }

type notificationsBody struct {
	Notifications []notificationBody `json:"notifications" nullable:"false" doc:"The page, newest first."`
	NextCursor    string             `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

func (h *groupRoutes) messages(ctx context.Context, in *messagesInput) (*messagesOutput, error) {
	limit, before, err := noticePage(wire.CursorNotifications, in.Limit, in.Cursor)
	if err != nil {
		return nil, err
	}
	if utf8.RuneCountInString(in.Channel) > domain.MaxChannelID {
		return nil, asParameter("channel", domain.InvalidAs(domain.FieldLength, "channel",
			"must be at most 64 characters", in.Channel))
	}
	q := store.MessageQuery{Channel: in.Channel, Before: domain.NotificationID(before), Limit: limit + 1}
	if in.GroupID != "" {
		if q.Group, err = domain.ParseGroupID(in.GroupID); err != nil {
			return nil, asParameter("groupId", err)
		}
	}
	found, err := h.notices.Messages(ctx, q)
	if err != nil {
		return nil, store.Coded(err)
	}
	page, more := cutPage(found, limit, false)
	out := &messagesOutput{notificationsBody{Notifications: make([]notificationBody, len(page))}}
	for i := range page {
		out.Body.Notifications[i] = notificationBodyOf(&page[i])
		out.Body.NextCursor = nextNotices(wire.CursorNotifications, more, domain.JobID(page[i].ID))
	}
	fit(ctx, sizeOfGroup*len(page))
	return out, nil
}

type messageInput struct {
	request
	ID string `path:"id" format:"uuid" doc:"The message's id." example:"019b76da-a900-8696-9fd2-ecffa5bae4f6"`
}

type messageOutput struct{ Body notificationBody }

func (h *groupRoutes) resend(ctx context.Context, in *messageInput) (*messageOutput, error) {
	id, err := domain.ParseNotificationID(in.ID)
	if err != nil {
		return nil, asParameter("id", err)
	}
	found, err := h.notices.Messages(ctx, store.MessageQuery{IDs: []domain.NotificationID{id}})
	if err == nil && len(found) == 0 {
		err = store.NoMessage(id)
	}
	if err != nil {
		return nil, store.Coded(err)
	}
	n := found[0]
	now := clock.NowMs(h.clock)
	n.State, n.NextAt, n.Delivery = domain.NotificationPending, now, domain.Delivery{From: now}
	entry := h.trail.changeBy(ctx, domain.ActionResend)
	entry.Detail = id.String()
	if err := h.notices.Mark(store.WithChange(ctx, entry), n); err != nil {
		return nil, store.Coded(err)
	}
	return &messageOutput{notificationBodyOf(&n)}, nil
}
