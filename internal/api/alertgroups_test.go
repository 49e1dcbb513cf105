package api

import (
	"context"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// seedNotices stores a group of alerts of a job, and a message about it that could not be delivered yet.
func seedNotices(t *testing.T, f *fixture, id string) (group, message string) {
	t.Helper()
	return seedNoticesOf(t, f, id, "https://payments.example.com:443")
}

func seedNoticesOf(t *testing.T, f *fixture, id, host string) (group, message string) {
	t.Helper()
	job := jobID(t, id)
	key := domain.AlertKey{JobID: job, OpenedAt: base}
	g := domain.Group{
		ID: domain.NewGroupID("default", "k", key, base), State: domain.GroupOpen, Rule: "default", By: domain.ByHost,
		Key: host, Level: domain.LevelCritical,
		Counts: domain.GroupCounts{Jobs: 1, AllJobs: 2, Failures: 7}, FirstAt: base, LastAt: base + 5_000,
		Samples: []domain.GroupSample{{
			JobID: job, Name: "charge", Namespace: "default", Target: "payments.example.com:443",
			Execution: domain.NewExecutionID(job, base, 0), HTTPStatus: 503, Error: "503 Service Unavailable", Count: 6,
			LastAt: base + 5_000,
		}},
		Told: domain.GroupTold{Seq: 1, At: base + 10_000, Jobs: 1},
	}
	n := domain.Notification{
		ID: domain.NewNotificationID(g.ID, 1, "env", base+10_000), Channel: "env", Group: g.ID,
		State: domain.NotificationPending, NextAt: base + 15_100, Type: domain.NoticeOpened, Seq: 1,
		CreatedAt: base + 10_000, About: g,
		Delivery: domain.Delivery{Attempts: 1, LastAt: base + 10_100, Error: "503 Service Unavailable"},
	}
	step := store.NoticeStep{Groups: []domain.Group{g}, Made: []domain.Notification{n}}
	if err := f.disk.Notices().Advance(context.Background(), step); err != nil {
		t.Fatal(err)
	}
	return g.ID.String(), n.ID.String()
}

func TestAlertGroups(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	group, message := seedNotices(t, f, create(t, h, minimal))
	const unknown = "019b76da-0000-8000-8000-000000000000"

	var list alertGroupsBody
	call(t, h, "GET", "/alerts/groups?open=true", "").into(t, 200, &list)
	if len(list.Groups) != 1 || list.Groups[0].ID != group || list.Groups[0].Jobs != 1 ||
		list.Groups[0].Acknowledged != nil || len(list.Groups[0].Samples) != 1 || list.NextCursor != "" {
		t.Fatalf("%+v", list)
	}
	var acknowledged alertGroupBody
	call(t, h, "POST", "/alerts/groups/"+group+"/acknowledge", "").into(t, 200, &acknowledged)
	call(t, h, "GET", "/alerts/groups", "").into(t, 200, &list)
	if got := list.Groups[0]; got.State != domain.GroupAcknowledged || got.Acknowledged == nil ||
		got.Acknowledged.By != acknowledged.Acknowledged.By {
		t.Errorf("%+v", got)
	}
	wantEntries(t, f, "ALERT_ACKNOWLEDGE "+group)
	var one alertGroupBody
	if call(t, h, "GET", "/alerts/groups/"+group, "").into(t, 200, &one); asJSON(one) != asJSON(acknowledged) {
		t.Errorf("%+v, want %+v", one, acknowledged)
	}
	call(t, h, "GET", "/alerts/groups/"+unknown, "").problem(t, 404)
	call(t, h, "GET", "/alerts/groups/x", "").problem(t, 400)
	call(t, h, "POST", "/alerts/groups/"+unknown+"/acknowledge", "").problem(t, 404)
	call(t, h, "POST", "/alerts/groups/x/acknowledge", "").problem(t, 400)

	g, err := f.disk.Notices().Groups(t.Context(), store.GroupQuery{Limit: 1})
	if err != nil {
		t.Fatal(err)
	}
	g[0].State, g[0].Counts.Jobs = domain.GroupClosed, 0
	if err := f.disk.Notices().Advance(t.Context(), store.NoticeStep{Groups: g}); err != nil {
		t.Fatal(err)
	}
	call(t, h, "POST", "/alerts/groups/"+group+"/acknowledge", "").problem(t, 409)
	call(t, h, "GET", "/alerts/groups?open=true", "").into(t, 200, &list)
	if len(list.Groups) != 0 {
		t.Errorf("%+v", list)
	}

	var messages notificationsBody
	for _, query := range []string{"", "?channel=env", "?groupId=" + group} {
		call(t, h, "GET", "/notifications"+query, "").into(t, 200, &messages)
		if len(messages.Notifications) != 1 || messages.Notifications[0].ID != message ||
			messages.Notifications[0].Attempts != 1 || messages.Notifications[0].NextAt == nil {
			t.Errorf("%s: %+v", query, messages)
		}
	}
	for _, query := range []string{"?channel=other", "?groupId=" + unknown} {
		call(t, h, "GET", "/notifications"+query, "").into(t, 200, &messages)
		if len(messages.Notifications) != 0 {
			t.Errorf("%s: %+v", query, messages)
		}
	}
	call(t, h, "GET", "/notifications?groupId=x", "").problem(t, 400)
	call(t, h, "POST", "/notifications/"+unknown+"/resend", "").problem(t, 404)
	call(t, h, "POST", "/notifications/x/resend", "").problem(t, 400)
	wantEntries(t, f, "ALERT_ACKNOWLEDGE "+group) // what was refused has none
	call(t, h, "POST", "/notifications/"+message+"/resend", "").into(t, 200, new(notificationBody))
	wantEntries(t, f, "ALERT_ACKNOWLEDGE "+group, "NOTIFICATION_RESEND "+message)
}

// wantEntries compares the entries of the trail that are not about jobs, oldest first, each with what it is about.
func wantEntries(t *testing.T, f *fixture, want ...string) {
	t.Helper()
	found, err := f.disk.Changes().List(t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 100})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range slices.Backward(found) {
		if c.JobID.IsZero() {
			got = append(got, string(c.Action)+" "+c.Detail)
		}
		if c.By.Key == "" || c.At == 0 {
			t.Errorf("%s by %+v at %d", c.Action, c.By, c.At)
		}
	}
	if !slices.Equal(got, want) {
		t.Errorf("the trail has %q, want %q", got, want)
	}
}

// A message is sent again whatever has become of it, and pages end where they should.
func TestResendNotification(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	_, message := seedNotices(t, f, create(t, h, minimal))
	second, _ := seedNoticesOf(t, f, create(t, h, minimal), "https://orders.example.com:443")
	id, err := domain.ParseNotificationID(message)
	if err != nil {
		t.Fatal(err)
	}
	lost := domain.Notification{ID: id, State: domain.NotificationUndeliverable,
		Delivery: domain.Delivery{Attempts: 60, EndedAt: base + 100_000, Error: "503"}}
	if err := f.disk.Notices().Mark(t.Context(), lost); err != nil {
		t.Fatal(err)
	}
	var sent notificationBody
	call(t, h, "POST", "/notifications/"+message+"/resend", "").into(t, 200, &sent)
	if sent.State != domain.NotificationPending || sent.EndedAt != nil || sent.NextAt == nil || sent.Attempts != 0 ||
		sent.Error != nil {
		t.Errorf("%+v", sent)
	}
	var first, rest notificationsBody
	call(t, h, "GET", "/notifications?limit=1", "").into(t, 200, &first)
	call(t, h, "GET", "/notifications?limit=1&cursor="+first.NextCursor, "").into(t, 200, &rest)
	if len(first.Notifications) != 1 || len(rest.Notifications) != 1 || rest.NextCursor != "" ||
		first.Notifications[0].ID == rest.Notifications[0].ID {
		t.Errorf("%+v, then %+v", first, rest)
	}
	var groups, more alertGroupsBody
	call(t, h, "GET", "/alerts/groups?limit=1", "").into(t, 200, &groups)
	call(t, h, "GET", "/alerts/groups?limit=1&cursor="+groups.NextCursor, "").into(t, 200, &more)
	if len(groups.Groups) != 1 || len(more.Groups) != 1 || more.NextCursor != "" ||
		groups.Groups[0].ID != second && more.Groups[0].ID != second {
		t.Errorf("%+v, then %+v", groups, more)
	}
}
