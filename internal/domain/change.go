package domain

// Action is what somebody did.
type Action string

// The actions of the trail.
const (
	ActionCreate    Action = "CREATE"
	ActionUpdate    Action = "UPDATE" // pause and resume too
	ActionDelete    Action = "DELETE"
	ActionTrigger   Action = "TRIGGER"
	ActionImport    Action = "IMPORT" // many jobs in one call
	ActionReveal    Action = "REVEAL" // an export of jobs with their secrets
	ActionKeyCreate Action = "KEY_CREATE"
	ActionKeyRevoke Action = "KEY_REVOKE"
)

// Authors without a key of the database.
const (
	AuthorEnv       = "env"       // a key of the settings
	AuthorLoopback  = "loopback"  // no key is set, and the caller is on this machine
	AuthorAnonymous = "anonymous" // no key is set, and the operator wants it so
)

// Author is who changed something.
type Author struct {
	Key     string // id of the API key, or one of the constants above
	Name    string // of the key; empty without one
	Address string // IP address that the request came from
}

// Change is one entry of the trail of changes. An entry names the versions of a
// job, which are kept for as long as the entry is: it holds no copy of them.
type Change struct {
	At     int64 // when it was asked for, Unix milliseconds
	Nonce  int64 // tells changes of one millisecond apart
	By     Author
	Action Action

	JobID     JobID       // zero: it is not about one job
	Version   int         // of the job after it; of a deletion the last one
	Execution ExecutionID // of a TRIGGER
	KeyID     string      // of KEY_CREATE and KEY_REVOKE
	Count     int64       // jobs that an IMPORT has made

	// What the store reads beside it; nil where there is none.
	Before, After *Version
	Key           *APIKey
}

// Versions returns the numbers of the job's versions before and after the
// change; zero: none.
func (c *Change) Versions() (before, after int) {
	switch c.Action {
	case ActionCreate:
		return 0, c.Version
	case ActionUpdate:
		return c.Version - 1, c.Version
	case ActionDelete:
		return c.Version, 0
	case ActionTrigger, ActionImport, ActionReveal, ActionKeyCreate, ActionKeyRevoke:
	}
	return 0, 0
}
