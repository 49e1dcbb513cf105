package domain

// Alert is a run of final failures of one job: opened by the first, counted on
// by the next ones, closed by the first success after them. Or it is of the
// fires of a job that have no record: then Lost is set, the instants are those
// at which an audit found them, the execution is the latest one that is lost,
// and it stays open until the history of their day is dropped.
type Alert struct {
	JobID       JobID
	Lost        bool
	FirstAt     int64 // completion of the first failure, Unix milliseconds
	LastAt      int64 // completion of the latest failure
	Count       int64 // failures so far
	RecoveredAt int64 // completion of the success that closed it; zero: still open
	Execution   ExecutionID
	HTTPStatus  int    // of the latest failure
	Error       string // of the latest failure
}

// Open reports whether the job has not recovered.
func (a *Alert) Open() bool { return a.RecoveredAt == 0 }

// Alerts reports whether an execution that ended so counts as a failure that
// somebody has to hear of. SKIPPED and MISSED are what the user asked for.
func (s Status) Alerts() bool { return s == StatusFailed || s == StatusUnknown }
