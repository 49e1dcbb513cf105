package domain

import "time"

// Loss is a fire that should be on record and is not. Only an audit reports losses.
type Loss struct {
	JobID       JobID
	ScheduledAt int64 // Unix milliseconds
	Version     int
}

// Execution returns the id that the lost execution would have.
func (l Loss) Execution() ExecutionID { return NewExecutionID(l.JobID, l.ScheduledAt, 0) }

// LossText is the text of an alert about a fire without a record.
func LossText(scheduledAt int64) string {
	return "the fire of " + time.UnixMilli(scheduledAt).UTC().Format("2006-01-02T15:04:05.000Z") + " has no record"
}
