// Package bulk carries out operations on many jobs: it pauses, resumes, triggers, deletes or
// tags all jobs that a filter selects, or that are named one by one.
//
//	Begin ─► MATCHING ──── each page of the list ───► RUNNING ──── each step ────► DONE
//	         the jobs are written down first,         the jobs are changed by
//	         so that their set is fixed               package edit, one by one
//
// A cancel, or an author who may not do that any more, ends it after the step that is under
// way. What was done stays.
//
// # What it guarantees
//
//   - No job is missed: a page of the list may end early, and the next one goes on from there
//     until the list ends.
//   - Each change is one of package edit: exact, prompt, and in the audit trail, where it names
//     the operation. The entry of the operation itself says what was selected and how many
//     jobs were matched.
//   - A crash, or a store that does not say what became of a write, doubles nothing. A step has
//     an instant, which is saved before the first of its changes. The entry of a job in the
//     trail has this instant and a nonce that is derived from the operation and the job, as has
//     a trigger. So whoever goes on looks up what was made, counts it, and begins a new step
//     with the rest.
//   - An operation that pauses or deletes jobs of other nodes ends when these nodes follow, or
//     30 s later: see [store.Effects].
//   - The author's rights are those of the request: the namespace of the key confines what is
//     matched, and a key that was revoked or has expired ends the operation.
//   - Operations take turns, a step each. A step is bounded: 512 jobs, or 128 triggers, by 16
//     workers, who rest while fires are about ([clock.Pace]).
//
// A job that is created while the list is read may be matched or not, as its id falls. One that
// is deleted by somebody else before its turn is skipped.
//
// # How this is shown
//
// What is done next with an operation, and what an answer of package edit means for a job, are
// pure functions with truth tables. The runner is tested on a real engine over a store that
// fails before and after each of its writes, and that ends in the midst of each. In package e2e
// the binary is killed in the midst of operations on thousands of jobs.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	decide.go stops.go runner.go begin.go match.go apply.go account.go turn.go
package bulk
