// Package run has what the engine works on, a job and its runs, and every decision
// about them as a pure function.
//
// # What it guarantees
//
// A [Run] is an execution that has not ended. It belongs to one goroutine at a time:
// the timetable, a queue, a worker, the retries, the recorder. Where it is says its
// [State]; the transitions that are allowed are in the table beside it, and the
// engine's tests panic at any other.
//
// A [Span] is a range of fires of one version that are due and were not sent. It
// takes the memory of one run, because fires can be computed.
//
// The decisions read no clock and take no lock. Each has a truth table as its test:
//
//	DecideOverlap   a fire is due        send, skip or wait               overlap.go
//	DecideSend      right before a call  send, refuse with a reason, wait sendrule.go
//	DecideEnding    a call has ended     success, failure, or a retry     ending.go
//	KeepFrom        a gap was found      which fires still go out         misfire.go
//	DecideResume    after a crash        send again, or end               resume.go
//	DecideElsewhere another process has  wait, done, or take over         elsewhere.go
//	                an open run
//	EndStopped      a job was stopped    what becomes of its runs         ending.go
//
// # Locks
//
// Job.Mu guards the runs that have entered the job, their State, StartedAt, Attempts
// and Marked, and the [Backlog]. Job.Current and Job.Next are guarded by the lock of
// the engine's registry. Fields of a run that say "dispatcher lock" are guarded by
// that of the dispatcher; Hold and OpenOnRecord belong to the owner of the run.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	target.go version.go way.go span.go backlog.go ending.go misfire.go run.go stop.go job.go
//	jobindex.go overlap.go resume.go sendrule.go state.go snapshot.go elsewhere.go
package run
