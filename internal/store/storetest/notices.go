package storetest

import (
	"fmt"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var noticeCases = []testCase{
	{"an alert that changes has a mark until that is seen", noticeMarks},
	{"the mark of an alert that changes after it was read stays", noticeChangesAgain},
	{"marks of an alert that goes on over midnight, and of one that ends by an old fire", noticeMidnight},
	{"the mark of an open alert outlives the history of its day, and that of one that has ended does not",
		noticeExpiredMarks},
	{"an open alert whose mark is gone has none when the history of its day is gone", noticeExpiredWithoutMarks},
	{"a fact that is recorded again marks nothing", noticeRepeats},
	{"groups are kept by revision, and a conflict keeps nothing", noticeGroups},
	{"of one rule and key one group is open", noticeOneOpen},
	{"members are replaced by rule and job, and go with their group", noticeMembers},
	{"a message supersedes what is pending of its group for its channel", noticeSuperseded},
	{"what has become of a message is kept, and does not change once it has ended", noticeMarked},
	{"List of messages pages, newest first, and of those that are pending oldest first", noticePages},
	{"ExpireNotices deletes what has ended before", noticeExpire},
}

// changeOf is the change of an alert that a failure opened.
func changeOf(a domain.Alert, by domain.Execution) domain.AlertChange {
	return domain.AlertChange{Alert: a, OpenedAt: by.ScheduledAt, OpenedNonce: by.Nonce}
}

func changedAlerts(t *testing.T, f *fixture) []domain.AlertChange {
	t.Helper()
	found := must(f.Notices().Changed(t.Context(), 100))(t)
	slices.SortFunc(found, func(a, b domain.AlertChange) int {
		if c := slices.Compare(a.JobID[:], b.JobID[:]); c != 0 {
			return c
		}
		return int(a.OpenedAt - b.OpenedAt)
	})
	return found
}

func advance(t *testing.T, f *fixture, s store.NoticeStep) {
	t.Helper()
	ok(t, f.Notices().Advance(t.Context(), s))
}

func see(t *testing.T, f *fixture, seen ...domain.AlertChange) {
	t.Helper()
	advance(t, f, store.NoticeStep{Seen: seen})
}

func noticeMarks(t *testing.T, f *fixture) {
	f.record(t, success(1, noon), success(2, noon))
	equal(t, changedAlerts(t, f), nil)
	f1, f2 := failure(1, noon+minute), failure(2, noon+minute)
	f.record(t, f1, f2)
	want := []domain.AlertChange{changeOf(alertOf(f1), f1), changeOf(alertOf(f2), f2)}
	for range 2 {
		equal(t, changedAlerts(t, f), want)
		f.reopen(t)
	}
	equal(t, len(must(f.Notices().Changed(t.Context(), 1))(t)), 1)
	see(t, f, want[0])
	for range 2 {
		equal(t, changedAlerts(t, f), want[1:])
		f.reopen(t)
	}
	see(t, f, want...) // again
	equal(t, changedAlerts(t, f), nil)
	again, s := failure(1, noon+2*minute), success(2, noon+2*minute)
	f.record(t, again)
	f.record(t, s)
	want = []domain.AlertChange{changeOf(alertOf(f1, again), f1), changeOf(recovered(alertOf(f2), s), f2)}
	equal(t, changedAlerts(t, f), want)
	see(t, f, want...)
	for range 2 {
		equal(t, changedAlerts(t, f), nil)
		f.reopen(t)
	}
	f.record(t, success(2, noon+3*minute)) // it changes nothing
	equal(t, changedAlerts(t, f), nil)
}

func noticeChangesAgain(t *testing.T, f *fixture) {
	f1, f2 := failure(1, noon), failure(1, noon+minute)
	f.record(t, f1)
	read := changedAlerts(t, f)
	f.record(t, f2)
	see(t, f, read...)
	now := []domain.AlertChange{changeOf(alertOf(f1, f2), f1)}
	equal(t, changedAlerts(t, f), now)
	s := success(1, noon+2*minute)
	f.record(t, s)
	see(t, f, now...)
	now = []domain.AlertChange{changeOf(recovered(alertOf(f1, f2), s), f1)}
	for range 2 {
		equal(t, changedAlerts(t, f), now)
		f.reopen(t)
	}
	f3 := failure(1, noon+3*minute) // the next alert, beside the one that has ended
	f.record(t, f3)
	now = append(now, changeOf(alertOf(f3), f3))
	equal(t, changedAlerts(t, f), now)
	see(t, f, now...)
	equal(t, changedAlerts(t, f), nil)
}

func noticeMidnight(t *testing.T, f *fixture) {
	var run []domain.Execution
	for i := range int64(3) {
		run = append(run, failure(1, noon+i*day))
		f.record(t, run[i])
	}
	want := []domain.AlertChange{changeOf(alertOf(run...), run[0])}
	for range 2 {
		equal(t, changedAlerts(t, f), want)
		f.reopen(t)
	}
	see(t, f, want...)
	for range 2 {
		equal(t, changedAlerts(t, f), nil)
		f.reopen(t)
	}
	late := success(1, noon+minute) // due on the first day, done on the last
	late.StartedAt, late.CompletedAt = noon+4*day, noon+4*day+1
	f.record(t, late)
	want = []domain.AlertChange{changeOf(recovered(alertOf(run...), late), run[0])}
	for range 2 {
		equal(t, changedAlerts(t, f), want)
		f.reopen(t)
	}
	see(t, f, want...)
	for range 2 {
		equal(t, changedAlerts(t, f), nil)
		f.reopen(t)
	}
}

func noticeExpiredMarks(t *testing.T, f *fixture) {
	ok(t, f.Jobs().Create(t.Context(), []domain.Version{version(1), version(2), version(3)}))
	f1, f2 := failure(1, noon), failure(2, noon)
	f.record(t, f1, f2, success(2, noon+minute), success(3, noon+2*day))
	f.expire(t, midnight, 1)
	for range 2 {
		equal(t, changedAlerts(t, f), []domain.AlertChange{changeOf(alertOf(f1), f1)})
		f.reopen(t)
	}
	see(t, f, changedAlerts(t, f)...)
	for range 2 {
		equal(t, changedAlerts(t, f), nil)
		f.reopen(t)
	}
	s := success(1, noon+2*day)
	f.record(t, s)
	equal(t, changedAlerts(t, f), []domain.AlertChange{changeOf(recovered(alertOf(f1), s), f1)})
}

func noticeExpiredWithoutMarks(t *testing.T, f *fixture) {
	ok(t, f.Jobs().Create(t.Context(), []domain.Version{version(1), version(2), version(3)}))
	f1, f2 := failure(1, noon), failure(2, noon)
	f.record(t, f1, f2, success(3, noon+2*day))
	see(t, f, changeOf(alertOf(f1), f1))
	f.expire(t, midnight, 1)
	for range 2 {
		equal(t, changedAlerts(t, f), []domain.AlertChange{changeOf(alertOf(f2), f2)})
		f.reopen(t)
	}
}

func noticeRepeats(t *testing.T, f *fixture) {
	f1, s := failure(1, noon), success(1, noon+minute)
	f.record(t, f1, s)
	see(t, f, changedAlerts(t, f)...)
	f.record(t, f1)
	f.record(t, s, f1)
	equal(t, changedAlerts(t, f), nil)
}

// groupOf returns group n, which was opened by the first failure of job n.
func groupOf(n int) domain.Group {
	key := domain.AlertKey{JobID: jobID(n), OpenedAt: noon}
	return domain.Group{
		ID: domain.NewGroupID("default", "k", key, noon+int64(n)), State: domain.GroupWaiting, Rule: "default",
		By: domain.ByHost, Key: fmt.Sprintf("https://api%d.example.com:443", n), Limit: "pay",
		Level:  domain.LevelCritical,
		Counts: domain.GroupCounts{Jobs: 1, AllJobs: 2, Failures: 3, Withdrawn: 1}, FirstAt: noon, LastAt: noon + 1,
		TurnedAt: noon, Reopened: 1, DueAt: noon + 10,
		Samples: []domain.GroupSample{{
			JobID: jobID(n), Name: `größe "1"`, Error: "500: broken", HTTPStatus: 500, Count: 3, LastAt: noon,
			Execution: failure(n, noon).ID(), Namespace: "pay", Target: "api.example.com:443",
		}},
		Told: domain.GroupTold{Seq: 1, At: noon, Jobs: 1},
		Ack:  domain.Acknowledgement{At: noon, By: domain.Author{Key: "k", Name: "ann"}, Note: "on it", Jobs: 1},
	}
}

// kept returns a group as it is after so many steps.
func keptGroup(g domain.Group, steps int64) domain.Group {
	g.Revision = steps
	return g
}

func groupsOf(t *testing.T, f *fixture, q store.GroupQuery) []domain.Group {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	return must(f.Notices().Groups(t.Context(), q))(t)
}

func noticeGroups(t *testing.T, f *fixture) {
	g1, g2, g3 := groupOf(1), groupOf(2), groupOf(3)
	advance(t, f, store.NoticeStep{Groups: []domain.Group{g1, g2}})
	for range 2 {
		equal(t, groupsOf(t, f, store.GroupQuery{}), []domain.Group{keptGroup(g2, 1), keptGroup(g1, 1)})
		f.reopen(t)
	}
	f1 := failure(1, noon)
	f.record(t, f1)
	refused := store.NoticeStep{
		Groups: []domain.Group{g3, g2}, Seen: changedAlerts(t, f), // g2 is there already
		Members: []domain.Member{{Rule: "default", Group: g3.ID, AlertKey: domain.AlertKey{JobID: jobID(3)}}},
		Made:    []domain.Notification{messageOf(g3, 1, "ops")},
	}
	for _, revision := range []int64{0, 2, 7} {
		refused.Groups[1].Revision = revision
		wantCode(t, f.Notices().Advance(t.Context(), refused), domain.CodeConflict)
	}
	unknown := groupOf(4)
	unknown.Revision = 1
	step := store.NoticeStep{Groups: []domain.Group{unknown}}
	wantCode(t, f.Notices().Advance(t.Context(), step), domain.CodeConflict)
	equal(t, groupsOf(t, f, store.GroupQuery{}), []domain.Group{keptGroup(g2, 1), keptGroup(g1, 1)})
	equal(t, messagesOf(t, f, store.MessageQuery{}), nil)
	equal(t, must(f.Notices().Members(t.Context(), []domain.JobID{jobID(3)}))(t), nil)
	equal(t, len(changedAlerts(t, f)), 1)

	g2.Revision, g2.State, g2.Counts.Jobs = 1, domain.GroupClosed, 0
	advance(t, f, store.NoticeStep{Groups: []domain.Group{g2, g3}})
	g2, g3, g1 = keptGroup(g2, 2), keptGroup(g3, 1), keptGroup(g1, 1)
	for range 2 {
		equal(t, groupsOf(t, f, store.GroupQuery{}), []domain.Group{g3, g2, g1})
		equal(t, groupsOf(t, f, store.GroupQuery{Open: true}), []domain.Group{g3, g1})
		equal(t, groupsOf(t, f, store.GroupQuery{Limit: 1}), []domain.Group{g3})
		equal(t, groupsOf(t, f, store.GroupQuery{Before: g3.ID}), []domain.Group{g2, g1})
		equal(t, groupsOf(t, f, store.GroupQuery{Before: g3.ID, Open: true}), []domain.Group{g1})
		equal(t, groupsOf(t, f, store.GroupQuery{IDs: []domain.GroupID{g2.ID, groupOf(9).ID}}), []domain.Group{g2})
		f.reopen(t)
	}
}

// twinOf returns group n with the key of another one.
func twinOf(g domain.Group, n int) domain.Group {
	twin := groupOf(n)
	twin.Key = g.Key
	return twin
}

func noticeOneOpen(t *testing.T, f *fixture) {
	g := groupOf(1)
	twin, third, ofRule := twinOf(g, 2), twinOf(g, 3), twinOf(g, 4)
	ofRule.Rule = "another"
	twin.Samples[0].Error = "a NUL: \x00" // no function of PostgreSQL on JSON takes it
	both := store.NoticeStep{Groups: []domain.Group{g, twin}}
	wantCode(t, f.Notices().Advance(t.Context(), both), domain.CodeConflict)
	equal(t, groupsOf(t, f, store.GroupQuery{}), nil)
	advance(t, f, store.NoticeStep{Groups: []domain.Group{ofRule, g}})
	f1 := failure(2, noon)
	f.record(t, f1)
	refused := store.NoticeStep{
		Groups: []domain.Group{twin}, Seen: changedAlerts(t, f), Members: []domain.Member{memberOf(twin, 2)},
		Made: []domain.Notification{messageOf(twin, 1, "ops")},
	}
	for range 2 {
		wantCode(t, f.Notices().Advance(t.Context(), refused), domain.CodeConflict)
		equal(t, groupsOf(t, f, store.GroupQuery{Open: true}), []domain.Group{keptGroup(ofRule, 1), keptGroup(g, 1)})
		equal(t, must(f.Notices().Members(t.Context(), []domain.JobID{jobID(2)}))(t), nil)
		equal(t, messagesOf(t, f, store.MessageQuery{}), nil)
		equal(t, len(changedAlerts(t, f)), 1)
		f.reopen(t)
	}
	g.Revision, g.LastAt = 1, noon+2 // as it was
	advance(t, f, store.NoticeStep{Groups: []domain.Group{g}})
	g.Revision, g.State = 2, domain.GroupClosed
	advance(t, f, store.NoticeStep{Groups: []domain.Group{twin, g}}) // the one is closed, the other one opened
	wantCode(t, f.Notices().Advance(t.Context(), store.NoticeStep{Groups: []domain.Group{third}}), domain.CodeConflict)
	twin.Revision, twin.State = 1, domain.GroupClosed
	advance(t, f, store.NoticeStep{Groups: []domain.Group{twin}})
	advance(t, f, store.NoticeStep{Groups: []domain.Group{third}})
	equal(t, groupsOf(t, f, store.GroupQuery{Open: true}), []domain.Group{keptGroup(ofRule, 1), keptGroup(third, 1)})
}

func memberOf(g domain.Group, n int) domain.Member {
	return domain.Member{
		Rule: g.Rule, Group: g.ID, AlertKey: domain.AlertKey{JobID: jobID(n), OpenedAt: noon, OpenedNonce: 7},
		Count: 3, LastAt: noon + 1,
	}
}

func noticeMembers(t *testing.T, f *fixture) {
	members := func(ids ...domain.JobID) []domain.Member {
		found := must(f.Notices().Members(t.Context(), ids))(t)
		slices.SortFunc(found, func(a, b domain.Member) int {
			if c := slices.Compare(a.JobID[:], b.JobID[:]); c != 0 {
				return c
			}
			return len(a.Rule) - len(b.Rule)
		})
		return found
	}
	g1, g2 := groupOf(1), groupOf(2)
	m1, m2, other := memberOf(g1, 1), memberOf(g1, 2), memberOf(g2, 1)
	other.Rule = "another rule"
	advance(t, f, store.NoticeStep{Groups: []domain.Group{g1, g2}, Members: []domain.Member{m1, m2, other}})
	for range 2 {
		equal(t, members(jobID(1), jobID(2), jobID(3)), []domain.Member{m1, other, m2})
		equal(t, members(jobID(2)), []domain.Member{m2})
		equal(t, must(f.Notices().MembersOf(t.Context(), g1.ID, domain.JobID{}, 9))(t), []domain.Member{m1, m2})
		equal(t, must(f.Notices().MembersOf(t.Context(), g1.ID, domain.JobID{}, 1))(t), []domain.Member{m1})
		equal(t, must(f.Notices().MembersOf(t.Context(), g1.ID, jobID(1), 9))(t), []domain.Member{m2})
		f.reopen(t)
	}
	m1.Count, m1.RecoveredAt, m1.Withdrawn, m1.OpenedNonce = 5, noon+2, true, 0
	advance(t, f, store.NoticeStep{Members: []domain.Member{m1}})
	equal(t, members(jobID(1)), []domain.Member{m1, other})
	g1.Revision, g1.State = 1, domain.GroupClosed
	m2.Count++
	advance(t, f, store.NoticeStep{Groups: []domain.Group{g1}, Members: []domain.Member{m2}})
	equal(t, members(jobID(1), jobID(2)), []domain.Member{other})
}

// messageOf returns a message about a group.
func messageOf(g domain.Group, seq int64, channel string) domain.Notification {
	at := noon + seq
	return domain.Notification{
		ID: domain.NewNotificationID(g.ID, seq, channel, at), Channel: channel, Group: g.ID,
		State: domain.NotificationPending, NextAt: at, Type: domain.NoticeOpened, Seq: seq, CreatedAt: at, About: g,
	}
}

// superseded returns a message as it is after another one has taken its place.
func superseded(n domain.Notification, by domain.NotificationID, at int64) domain.Notification {
	n.State, n.Delivery.Via, n.Delivery.EndedAt = domain.NotificationSuperseded, by, at
	return n
}

func messagesOf(t *testing.T, f *fixture, q store.MessageQuery) []domain.Notification {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	return must(f.Notices().Messages(t.Context(), q))(t)
}

// byID sorts messages as they are listed.
func byID(list ...domain.Notification) []domain.Notification {
	slices.SortFunc(list, func(a, b domain.Notification) int { return slices.Compare(b.ID[:], a.ID[:]) })
	return list
}

func noticeSuperseded(t *testing.T, f *fixture) {
	g, other := groupOf(1), groupOf(2)
	first, chat, of2 := messageOf(g, 1, "ops"), messageOf(g, 1, "chat"), messageOf(other, 1, "ops")
	made := []domain.Notification{first, chat, of2}
	advance(t, f, store.NoticeStep{Made: made})
	advance(t, f, store.NoticeStep{Made: made}) // again
	for range 2 {
		equal(t, messagesOf(t, f, store.MessageQuery{}), byID(first, chat, of2))
		f.reopen(t)
	}
	second := messageOf(g, 2, "ops")
	advance(t, f, store.NoticeStep{Made: []domain.Notification{second}, At: noon + minute})
	first = superseded(first, second.ID, noon+minute)
	for range 2 {
		equal(t, messagesOf(t, f, store.MessageQuery{}), byID(first, chat, of2, second))
		f.reopen(t)
	}
	advance(t, f, store.NoticeStep{Silent: []domain.GroupID{g.ID}, At: noon + hour})
	second = superseded(second, domain.NotificationID{}, noon+hour)
	chat = superseded(chat, domain.NotificationID{}, noon+hour)
	equal(t, messagesOf(t, f, store.MessageQuery{}), byID(first, chat, of2, second))
	equal(t, messagesOf(t, f, store.MessageQuery{Pending: true}), []domain.Notification{of2})
}

func noticeMarked(t *testing.T, f *fixture) {
	g := groupOf(1)
	n := messageOf(g, 1, "ops")
	wantCode(t, f.Notices().Mark(t.Context(), n), domain.CodeNotFound)
	advance(t, f, store.NoticeStep{Made: []domain.Notification{n}})
	is := func() {
		t.Helper()
		for range 2 {
			equal(t, messagesOf(t, f, store.MessageQuery{IDs: []domain.NotificationID{n.ID}}), []domain.Notification{n})
			f.reopen(t)
		}
	}
	n.NextAt, n.Delivery = noon+minute, domain.Delivery{Attempts: 1, LastAt: noon + 5, Error: "503: größer\x00"}
	ok(t, f.Notices().Mark(t.Context(), n))
	n.Delivery.Error = "503: größer"
	if got := messagesOf(t, f, store.MessageQuery{}); len(got) == 1 {
		n.Delivery.Error = got[0].Delivery.Error // what PostgreSQL cannot store is replaced
	}
	is()
	changed := n
	changed.Type, changed.Seq, changed.CreatedAt = domain.NoticeRecovered, 9, 9 // what it says stays
	changed.State, changed.Delivery.EndedAt = domain.NotificationUndeliverable, noon+day
	ok(t, f.Notices().Mark(t.Context(), changed))
	n.State, n.Delivery.EndedAt = domain.NotificationUndeliverable, noon+day
	is()
	late := n
	late.State = domain.NotificationDelivered
	ok(t, f.Notices().Mark(t.Context(), late)) // it has ended
	is()
	n.State, n.Delivery, n.NextAt = domain.NotificationPending, domain.Delivery{}, noon+2*day // by hand
	ok(t, f.Notices().Mark(t.Context(), n))
	is()
	advance(t, f, store.NoticeStep{Silent: []domain.GroupID{g.ID}, At: noon + hour})
	failed := n // it was under way when it was superseded, and nobody waits for it any more
	failed.Delivery.Attempts, failed.NextAt = 1, noon+2*hour
	ok(t, f.Notices().Mark(t.Context(), failed))
	equal(t, messagesOf(t, f, store.MessageQuery{Pending: true}), nil)
	n.State, n.Delivery.Attempts, n.Delivery.EndedAt = domain.NotificationDelivered, 1, noon+hour+1
	ok(t, f.Notices().Mark(t.Context(), n)) // it was under way when it was superseded
	is()
}

func noticePages(t *testing.T, f *fixture) {
	g, other := groupOf(1), groupOf(2)
	a, b, c := messageOf(g, 1, "ops"), messageOf(other, 2, "chat"), messageOf(other, 3, "ops")
	advance(t, f, store.NoticeStep{Made: []domain.Notification{a, b, c}})
	for _, step := range []struct {
		q    store.MessageQuery
		want []domain.Notification
	}{
		{store.MessageQuery{}, []domain.Notification{c, b, a}},
		{store.MessageQuery{Limit: 2}, []domain.Notification{c, b}},
		{store.MessageQuery{Before: b.ID}, []domain.Notification{a}},
		{store.MessageQuery{Channel: "ops"}, []domain.Notification{c, a}},
		{store.MessageQuery{Channel: "ops", Before: c.ID}, []domain.Notification{a}},
		{store.MessageQuery{Group: other.ID}, []domain.Notification{c, b}},
		{store.MessageQuery{Group: other.ID, Channel: "chat"}, []domain.Notification{b}},
		{store.MessageQuery{Group: other.ID, Before: c.ID, Limit: 1}, []domain.Notification{b}},
		{store.MessageQuery{IDs: []domain.NotificationID{a.ID}}, []domain.Notification{a}},
		{store.MessageQuery{IDs: []domain.NotificationID{messageOf(g, 9, "x").ID}}, nil},
		{store.MessageQuery{Pending: true}, []domain.Notification{a, b, c}},
		{store.MessageQuery{Pending: true, Channel: "ops", Limit: 1}, []domain.Notification{a}},
		{store.MessageQuery{Pending: true, Channel: "ops", ByDue: true}, []domain.Notification{a, c}},
	} {
		equal(t, messagesOf(t, f, step.q), step.want)
	}
	a.NextAt = noon + hour // it is tried again later, and hides nothing that is due before
	ok(t, f.Notices().Mark(t.Context(), a))
	due := store.MessageQuery{Pending: true, Channel: "ops", ByDue: true}
	equal(t, messagesOf(t, f, due), []domain.Notification{c, a})
	due.Limit = 1
	equal(t, messagesOf(t, f, due), []domain.Notification{c})
	a.State = domain.NotificationDelivered
	ok(t, f.Notices().Mark(t.Context(), a))
	equal(t, messagesOf(t, f, store.MessageQuery{Pending: true}), []domain.Notification{b, c})
}

func noticeExpire(t *testing.T, f *fixture) {
	old, open, young := groupOf(1), groupOf(2), groupOf(3)
	old.State, young.State = domain.GroupClosed, domain.GroupClosed
	young.ID = domain.NewGroupID("r", "k", domain.AlertKey{}, noon+day)
	a, b, c := messageOf(old, 1, "ops"), messageOf(open, 2, "ops"), messageOf(young, 3, "ops")
	c.ID = domain.NewNotificationID(young.ID, 3, "ops", noon+day)
	a.State, c.State = domain.NotificationDelivered, domain.NotificationDelivered
	advance(t, f, store.NoticeStep{Groups: []domain.Group{old, open, young}, Made: []domain.Notification{a, b, c}})
	for _, want := range []int{1, 0} {
		equal(t, must(f.Notices().ExpireNotices(t.Context(), noon+day))(t), want)
		equal(t, messagesOf(t, f, store.MessageQuery{}), []domain.Notification{c, b})
		equal(t, groupsOf(t, f, store.GroupQuery{}), []domain.Group{keptGroup(young, 1), keptGroup(open, 1)})
		f.reopen(t)
	}
}
