package domain

// Action is the kind of a change.
type Action string

// The actions of the audit trail.
const (
	ActionCreate    Action = "CREATE"
	ActionUpdate    Action = "UPDATE" // also pause and resume
	ActionDelete    Action = "DELETE"
	ActionTrigger   Action = "TRIGGER"
	ActionImport    Action = "IMPORT" // many jobs in one call
	ActionReveal    Action = "REVEAL" // an export of jobs with their secrets
	ActionKeyCreate Action = "KEY_CREATE"
	ActionKeyRevoke Action = "KEY_REVOKE"
)

// Authors that do not have a key in the database.
const (
	AuthorEnv       = "env"       // a key of the settings
	AuthorLoopback  = "loopback"  // no key is set, and the caller is on this machine
	AuthorAnonymous = "anonymous" // no key is set, and the operator has allowed that
)

// Author is the author of a change.
type Author struct {
	Key     string // id of the API key, or one of the constants above
	Name    string // of the key; empty without one
	Address string // IP address that the request came from
}

// Change is one entry of the audit trail. An entry refers to versions of a job, which
// are retained as long as the entry, and does not copy them.
type Change struct {
	At     int64 // when it was requested, Unix milliseconds
	Nonce  int64 // distinguishes changes of one millisecond
	By     Author
	Action Action

	RequestID string // of the request that asked for it, as in the log; empty: not known

	JobID     JobID       // zero: the change is not about a single job
	Version   int         // of the job after the change; for a deletion the last one
	Execution ExecutionID // of a TRIGGER
	KeyID     string      // of KEY_CREATE and KEY_REVOKE
	Count     int64       // jobs that an IMPORT has created

	// What the store reads with the entry; nil if there is none.
	Before, After *Version
	Key           *APIKey
}

// sizeOfChange is about what an entry takes beside its versions.
const sizeOfChange = 512

// Size returns about how many bytes the entry takes in memory. Pages are bounded by it.
func (c *Change) Size() int {
	n := sizeOfChange
	if c.Before != nil {
		n += c.Before.Size()
	}
	if c.After != nil {
		n += c.After.Size()
	}
	return n
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
