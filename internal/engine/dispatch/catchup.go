package dispatch

import (
	"time"

	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/host"
)

// oldest returns for how long the live fire has waited that has waited longest, of those
// that may be overdue.
func (h *hostQueue) oldest(now int64) time.Duration {
	since := now
	if h.live.n > 0 {
		since = h.live.head.Since
	}
	if s := h.overflow.first(); s != nil {
		since = min(since, s.Next)
	}
	return time.Duration(now-since) * time.Millisecond
}

// catchUp puts all live fires that wait behind those that come due from now on, if it is
// time. It takes as long for one as for all of them. What a retry, a trigger or a job
// without overlap waits for stays where it is: see queues.push.
func (h *hostQueue) catchUp(now int64, most int) {
	h.pace.endSecond()
	if !catchesUp(h.oldest(now), &h.pace) {
		return
	}
	if h.overdue.add(&h.live, &h.overflow, most) {
		h.taken.Live = min(h.taken.Live, h.pace.usedBy(h.limit.Slots()))
	}
}

// otherFirst reports whether it is the turn of fires that are not live.
func (h *hostQueue) otherFirst() bool { return h.liveTurns >= otherTurn-1 && h.hasOther() }

// mayBegin says whether a call of the lane may begin.
func (h *hostQueue) mayBegin(lane host.Lane, all *shares) host.Verdict {
	v := host.MayBeginIn(lane, h.slots(), &all.Slots)
	if v == host.Begin && lane == run.LaneOverdue && all.briefFull() && h.limit.Quick() {
		return host.AwaitAnyLate
	}
	return v
}

// otherMayBegin says whether a call may begin of a fire that is not live.
func (h *hostQueue) otherMayBegin(all *shares) host.Verdict {
	v := host.AwaitShare
	if h.hasLate() {
		v = h.mayBegin(run.LaneLate, all)
	}
	if v != host.Begin && len(h.overdue) > 0 {
		if w := h.mayBegin(run.LaneOverdue, all); w == host.Begin || w == host.AwaitAnyLate {
			v = w
		}
	}
	return v
}
