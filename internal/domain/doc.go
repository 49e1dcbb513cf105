// Package domain defines the terms of Belfry as types: jobs, their versions, fires,
// executions, attempts, and the policies that apply to them.
//
// The package is pure. It reads no clock, opens no file and starts no
// goroutine, so that everything in it can be tested as a table.
//
// # A fire is a function of the timeline
//
// A job is a sequence of versions, each of which is valid in a half-open interval of
// time. A fire is an instant that the schedule of the version valid at that instant
// yields:
//
//	version 1 [──────────────)
//	version 2                [───────────── ...
//	fires       |    |    |     |  |  |  |
//
// Nothing else decides whether a fire exists: not the current time, not a counter, not
// a random number (jitter is a hash of the job's id). Recovery, the audit and the
// history can therefore recompute the fires of any time window and get the same result
// as the engine. See [Version.Next].
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
//
// # Order of the files
//
// Each file uses only those before it:
//
//	fieldcode.go error.go fold.go limits.go secret.go target.go hostfilter.go id.go
//	header.go signing.go policy.go schedule.go
//	pause.go job.go fault.go spec.go elsewhere.go
//	execution.go histogram.go point.go
//	loss.go health.go alert.go trace.go call.go key.go session.go change.go operation.go idempotency.go
//	alertsetting.go condition.go notice.go
//	channelfield.go channelmail.go channelkind.go channel.go channelurl.go channeltext.go channelsetting.go
//	alertrule.go silence.go maintenance.go rulesetting.go
package domain
