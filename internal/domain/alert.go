package domain

// Alert is a sequence of final failures of one job: the first failure opens it, the
// next ones increase its count, and the first success closes it. Or it is about fires
// of a job that have no record: then Lost is set, the instants are those at which an
// audit found them, the execution is the latest one that is lost, and the alert stays
// open until the history of that day is deleted.
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

// Alerts reports whether an execution that ended with this status is a failure that
// needs an alert. SKIPPED and MISSED result from what the user has configured.
func (s Status) Alerts() bool { return s == StatusFailed || s == StatusUnknown }
