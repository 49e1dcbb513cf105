// Package domain holds the words of Belfry as types: jobs, their versions,
// fires, executions, attempts, and the policies that decide between them.
//
// The package is pure. It reads no clock, opens no file and starts no
// goroutine, so that everything in it can be tested as a table.
//
// # A fire is a function of the timeline
//
// A job is a sequence of versions, each valid in a half-open interval of
// time, and a fire is an instant that the version valid at that instant
// names:
//
//	version 1 [──────────────)
//	version 2                [───────────── ...
//	fires       |    |    |     |  |  |  |
//
// Nothing else decides whether a fire exists: not the time at which somebody
// looked, not a counter, not a random number (jitter is a hash of the job's
// id). Recovery, the audit and the history therefore compute the fires of any
// window again and get the same answer as the engine did. See [Version.Next].
//
// # Identity
//
// The id of an execution is derived from the job and the scheduled instant
// ([NewExecutionID]), so that a retry, a re-send after a crash and a takeover
// by another node all carry the same id.
//
// # How this is shown
//
// Truth tables beside each file; properties with rapid for identity and for
// the timeline (strictly increasing, inside the interval, Prev mirrors Next).
package domain
