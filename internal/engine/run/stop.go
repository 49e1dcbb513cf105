package run

// stop says that the job was paused or deleted: no fire scheduled before the
// instant is sent any more.
type stop struct {
	before int64
	reason string
}

// lostStop is the stop of a job whose shard another process may own by now.
var lostStop = new(stop)

// Lose notes that the job's shard is not this process's any more: nothing of it is sent or
// decided again. It is for good: a later owner makes the job anew.
func (j *Job) Lose() { j.stop.Store(lostStop) }

// Lost reports whether the job's shard is not this process's any more.
func (j *Job) Lost() bool { return j.stop.Load() == lostStop }

// StopBefore stops what is scheduled before the instant. An earlier stop that
// reaches further stays.
func (j *Job) StopBefore(instant int64, reason string) {
	if s := j.stop.Load(); s == nil || s != lostStop && s.before < instant {
		j.stop.Store(&stop{instant, reason})
	}
}

// StopReason returns why an execution scheduled at the instant is not sent any
// more, or "".
func (j *Job) StopReason(at int64) string {
	if s := j.stop.Load(); s != nil && at < s.before {
		return s.reason
	}
	return ""
}

// Reasons that the record of an unsent fire shows.
const (
	StoppedByPause  = "the job was paused before it was sent"
	StoppedByDelete = "the job was deleted before it was sent"
)

// StoppedUntil returns the instant before which nothing of the job is sent, or 0.
func (j *Job) StoppedUntil() int64 {
	if s := j.stop.Load(); s != nil {
		return s.before
	}
	return 0
}
