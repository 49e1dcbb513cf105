// Package due knows what is due when.
//
// # What it guarantees
//
// The next fire of a job follows from the previous scheduled instant, never from now:
// however late the timetable is turned, the seconds are taken one after the other and
// none is skipped. Every fire that leaves the ring holds the watermark back
// ([run.Run] has the hold) before its job moves on to the next one.
//
//	ring ────────► Timetable ────────► runs that are due
//	jobs by the    makes the runs of   in the order of
//	second of      the next second     their instants
//	their next     ready, in parts
//	fire
//
// Half a second before its instant a fire is soon, and leaves by TakeSoon to be looked at:
// connections are opened for it (ADR 31). It stays staged.
//
// [Retries] holds the runs that wait for their next attempt.
//
// A Timetable is guarded by the lock of the registry of jobs. Retries has a lock of
// its own, a leaf.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	retries.go ring.go staged.go timetable.go upcoming.go soon.go
package due
