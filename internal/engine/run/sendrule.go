package run

// Verdict says whether a run may be sent now; otherwise why not, which decides what
// becomes of it.
type Verdict uint8

// The verdicts of the send rule.
const (
	SendNow       Verdict = iota
	SendMarked            // once its open run says that a request may be under way
	RefuseStopped         // its job was paused or deleted
	RefuseDropped         // it is no fire: its version ended before it
	RefuseTooOld          // misfire.maxAgeMs
	KeepForEdit           // an edit under way may end it
	WaitHorizon           // the beat has to come first
	WaitLease             // nothing may be sent now
)

// Limits are up to when requests may be sent, all Unix milliseconds.
type Limits struct {
	Now       int64 // wall clock
	SendUntil int64 // nothing is sent later, whatever it is
	Horizon   int64 // no scheduled fire later than this is sent
	Lapsed    bool  // nothing is sent: the lease is over by clocks that nobody can set
}

// sendFacts is what the send rule asks of a run and its job.
type sendFacts struct {
	at        int64
	scheduled bool // by the calendar
	fresh     bool // never sent, as far as anybody knows
	lost      bool // its shard
	stopped   bool
	versionTo int64
	editFrom  int64
	oldest    int64 // the oldest instant that is sent; see OldestSent
	crashed   bool  // recovered
	marked    bool
}

// decideSend is the send rule. What ends a run for good comes first: it is on record
// also while nothing may be sent.
//
// A run that was recovered is marked on record before it is sent again. Only so does
// the next recovery know which ones were under way: one that waited through three
// crashes is no poison.
func decideSend(f sendFacts, l Limits) Verdict {
	switch {
	case f.lost:
		return RefuseDropped
	case f.stopped:
		return RefuseStopped
	case f.fresh && f.at >= f.versionTo:
		return RefuseDropped
	case f.fresh && f.at >= f.editFrom:
		return KeepForEdit
	case f.fresh && f.at < f.oldest:
		return RefuseTooOld
	case f.scheduled && f.at > l.Horizon: // also a late one, where the wall clock was set back
		return WaitHorizon
	case l.Now > l.SendUntil, l.Lapsed:
		return WaitLease
	case f.crashed && !f.marked:
		return SendMarked
	}
	return SendNow
}

// DecideSend applies the send rule to the run right before its request. stopReason
// is that of RefuseStopped. Call with Job.Mu held.
func (r *Run) DecideSend(l Limits) (v Verdict, stopReason string) {
	stopReason = r.Job.StopReason(r.At)
	return decideSend(sendFacts{
		at: r.At, scheduled: r.Scheduled(), fresh: r.Fresh(), lost: r.Job.Lost(), stopped: stopReason != "",
		versionTo: r.Ver.To.Load(), editFrom: r.Job.ReadBacklog().EditFrom,
		oldest:  OldestSent(r.Ver.Plan.Value().Misfire, l.Now),
		crashed: r.Crashes > 0, marked: r.Marked,
	}, l), stopReason
}
