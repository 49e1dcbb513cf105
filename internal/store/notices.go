package store

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Notices keeps of which alerts people are told, and how far each message has come.
//
// Advance and Mark write the change that their context has, if it has one, as an entry of the trail: see [WithChange].
//
// An alert that changes has a mark, which is written in the transaction of its facts (see Record of [Ledger]).
// Advance takes it away once what follows from the change is kept. Alerts of lost fires have no marks.
type Notices interface {
	// Changed returns alerts that have a mark, as they are now, so many at most and in any order. One is there
	// again until Advance has taken its mark away.
	Changed(ctx context.Context, limit int) ([]domain.AlertChange, error)
	// Members returns what groups have of the alerts of so many jobs, a thousand at most, in any order.
	Members(ctx context.Context, jobs []domain.JobID) ([]domain.Member, error)
	// MembersOf returns members of a group in the order of their jobs, those after a job.
	MembersOf(ctx context.Context, group domain.GroupID, after domain.JobID, limit int) ([]domain.Member, error)
	// Groups returns groups, newest first.
	Groups(ctx context.Context, q GroupQuery) ([]domain.Group, error)
	// Advance keeps what follows from some changes, all or nothing. CodeConflict: a group is not as it was read, or
	// one is new whose rule and key another one has that is open, and nothing was kept. A repeat of what was kept is
	// such a conflict, too: the caller reads again.
	Advance(ctx context.Context, s NoticeStep) error
	// Messages returns notifications, newest first; those that are pending oldest first, or by when they are due.
	Messages(ctx context.Context, q MessageQuery) ([]domain.Notification, error)
	// Mark keeps what has become of a message: State, NextAt and Delivery. A message that has ended stays as it
	// is, unless it turns out that one which was superseded was delivered; or it is PENDING again by hand, without
	// attempts.
	// CodeNotFound: there is none.
	Mark(ctx context.Context, n domain.Notification) error
	// ExpireNotices deletes groups that are closed and messages that have ended, which were made before the
	// instant. It returns how many messages went.
	ExpireNotices(ctx context.Context, before int64) (int, error)
}

// GroupQuery selects groups, newest first: by their ids, descending.
type GroupQuery struct {
	IDs    []domain.GroupID // these; nil: all
	Open   bool             // only those that are not closed
	Before domain.GroupID   // exclusive; zero: from the newest on
	Limit  int
}

// MessageQuery selects notifications.
type MessageQuery struct {
	IDs     []domain.NotificationID // these; nil: all
	Pending bool                    // only those, oldest first
	ByDue   bool                    // with Pending and Channel: the next that is due first
	Channel string                  // empty: of any
	Group   domain.GroupID          // zero: of any
	Before  domain.NotificationID   // exclusive; zero: from the newest on. Without Pending
	Limit   int
}

// NoticeStep is what follows from changes of alerts, or from the time that has passed.
type NoticeStep struct {
	At int64 // when it was decided, Unix milliseconds
	// Seen are the changes that were read. The mark of one that has changed again since stays.
	Seen []domain.AlertChange
	// Groups are inserted where their Revision is zero. Others replace the group of the same id and Revision. The
	// Revision that is kept is higher by one. They are written in the order of [NoticeStep.InOrder].
	Groups []domain.Group
	// Members replace those of the same rule and job. Those of groups that are closed are deleted.
	Members []domain.Member
	// Made are messages that are not there yet. What is pending of the same group for the same channel is
	// superseded.
	Made []domain.Notification
	// Silent are groups whose pending messages are superseded, since they are not so any more.
	Silent []domain.GroupID
}

// Empty reports whether nothing is to be kept.
func (s *NoticeStep) Empty() bool {
	return len(s.Seen)+len(s.Groups)+len(s.Members)+len(s.Made)+len(s.Silent) == 0
}

// InOrder returns the groups in the order in which they are written: those that are closed first, since an open one of
// the same rule and key may be new; and two that open the same ones at once do it in one order, so that one of them
// waits and neither blocks the other.
func (s *NoticeStep) InOrder() []*domain.Group {
	groups := make([]*domain.Group, len(s.Groups))
	for i := range s.Groups {
		groups[i] = &s.Groups[i]
	}
	slices.SortStableFunc(groups, func(a, b *domain.Group) int {
		switch aCloses := a.State == domain.GroupClosed; {
		case aCloses == (b.State == domain.GroupClosed):
			return cmp.Or(cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.Key, b.Key))
		case aCloses:
			return -1
		}
		return 1
	})
	return groups
}

// Alters reports whether Mark changes what is kept of a message into next.
//
//	is           next                      changes
//	PENDING      any                       yes
//	ended        PENDING, no attempts      yes: it is sent again by hand
//	ended        PENDING, after attempts   no: it ended while one was made
//	SUPERSEDED   DELIVERED                 yes: the receiver has it all the same
//	ended        ended otherwise           no
func Alters(is domain.NotificationState, next *domain.Notification) bool {
	return !is.Ended() || next.State == domain.NotificationPending && next.Delivery.Attempts == 0 ||
		is == domain.NotificationSuperseded && next.State == domain.NotificationDelivered
}

// GroupChanged is the CodeConflict error of Advance.
func GroupChanged(id domain.GroupID) error {
	return domain.Conflict("group %s has changed since it was read, or another one of its rule and key is open", id)
}

// NoMessage is the CodeNotFound error about a notification.
func NoMessage(id domain.NotificationID) error { return domain.NotFound("notification", id) }
