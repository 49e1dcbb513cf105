package domain

// Action is the kind of a change.
type Action string

// The actions of the audit trail.
const (
	ActionCreate    Action = "CREATE"
	ActionUpdate    Action = "UPDATE" // also pause and resume
	ActionDelete    Action = "DELETE"
	ActionTrigger   Action = "TRIGGER"
	ActionTest      Action = "TEST"   // a test call
	ActionImport    Action = "IMPORT" // many jobs in one call
	ActionExport    Action = "EXPORT" // exports of jobs without secrets, or of executions
	ActionReveal    Action = "REVEAL" // an export of jobs with their secrets
	ActionRefuse    Action = "REFUSE" // requests that the role or the namespace of the caller does not allow
	ActionBulk      Action = "BULK"   // an operation on many jobs, each of which has its own entry
	ActionCancel    Action = "CANCEL" // of an operation
	ActionKeyCreate Action = "KEY_CREATE"
	ActionKeyRevoke Action = "KEY_REVOKE"
	ActionSignIn    Action = "SIGN_IN"  // sessions of browsers that have begun
	ActionSignOut   Action = "SIGN_OUT" // sessions that were ended by who had begun them

	ActionSettingCreate Action = "SETTING_CREATE" // of a channel, a rule, a silence or a window of alerts
	ActionSettingUpdate Action = "SETTING_UPDATE"
	ActionSettingDelete Action = "SETTING_DELETE"
	ActionChannelTest   Action = "CHANNEL_TEST" // messages that were sent to try a channel
)

// Actions on servers and on alerts.
const (
	ActionNodeDrain   Action = "NODE_DRAIN"
	ActionNodeResume  Action = "NODE_RESUME"
	ActionAcknowledge Action = "ALERT_ACKNOWLEDGE"
	ActionResend      Action = "NOTIFICATION_RESEND"
)

// Authors that do not have a key in the database.
const (
	AuthorEnv       = "env"       // a key of the settings
	AuthorLoopback  = "loopback"  // no key is set, and the caller is on this machine
	AuthorAnonymous = "anonymous" // no key is set, and the operator has allowed that
	AuthorServer    = "server"    // Belfry itself: a pause has ended

	// AuthorOIDC begins those who have signed in by OpenID Connect; their subject at the provider follows.
	AuthorOIDC = "oidc:"
)

// Author is the author of a change.
type Author struct {
	Key     string // id of the API key, or one of the constants above
	Name    string // of the key, or of the person; empty without one
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
	Execution ExecutionID // of a TRIGGER, and that which the request of a TEST has
	KeyID     string      // of KEY_CREATE and KEY_REVOKE
	Operation OperationID // of BULK and CANCEL, and of a change that it has made
	Count     int64       // jobs that an IMPORT has created or a BULK matched; what an EXPORT or a REVEAL has written
	Detail    string      // what a BULK, EXPORT or REVEAL selects; the route of a REFUSE, URL of a TEST; "CHANNEL ops"
	Times     int64       // requests that an EXPORT, a REFUSE or a CHANNEL_TEST stands for
	LastAt    int64       // when the last one of them was

	// What the store reads with the entry; nil or empty if there is none.
	Before, After         *Version
	BodyBefore, BodyAfter string // SHA-256 of a body that was left out, in hexadecimal digits
	Key                   *APIKey
}

// sizeOfChange is about what an entry takes beside its versions.
const sizeOfChange = 512

// hashShare: a body that was hashed counts a quarter, so that a page of 2 MiB hashes 8 MiB: 20 ms.
const hashShare = 4

// Size returns about how many bytes the entry takes in memory, and a part of those that were
// hashed for it. Pages are bounded by it.
func (c *Change) Size() int {
	n := sizeOfChange + len(c.Detail)
	if c.Before != nil {
		n += c.Before.Size()
	}
	if c.After != nil {
		n += c.After.Size()
	}
	if c.BodyBefore != "" {
		n += c.Before.BodyCut / hashShare
	}
	if c.BodyAfter != "" {
		n += c.After.BodyCut / hashShare
	}
	return n
}

// Versions returns the numbers of the job's versions before and after the
// change; zero: none.
func (c *Change) Versions() (before, after int) {
	switch c.Action {
	case ActionCreate, ActionImport: // the latter as an entry of one of its jobs
		return 0, c.Version
	case ActionUpdate:
		return c.Version - 1, c.Version
	case ActionDelete:
		return c.Version, 0
	case ActionTrigger, ActionTest, ActionExport, ActionReveal, ActionRefuse, ActionBulk, ActionCancel, ActionKeyCreate,
		ActionKeyRevoke, ActionSignIn, ActionSignOut, ActionSettingCreate, ActionSettingUpdate, ActionSettingDelete,
		ActionChannelTest, ActionNodeDrain, ActionNodeResume, ActionAcknowledge, ActionResend:
	}
	return 0, 0
}
