// Package app assembles a server: it opens every part, connects them, and stops
// them in order. It is the only package that knows all of them, and it holds no
// logic of theirs.
//
// What is opened first is closed last, and each step of the stop has a reason:
//
//	open    log · store · executor · engine · editor · API · listener
//	stop    0 shards     other servers on the same database take them over
//	        1 listener   no new edits: every edit that was answered is on record
//	        2 editor     it gives up edits whose outcome is not known: the next
//	                     start reads what the store has
//	        3 engine     no new fires; calls in flight end, the record is
//	                     committed, the lease is released
//	        4 executor   its connections are no longer used
//	        5 store      nothing writes any more
//	        6 log        the lines that wait are written, for at most a second
//
// Each step of the stop is bounded. Log lines wait in a bounded buffer (package
// telemetry). Requests to the API and edits have 5 s, calls to targets the grace time. If a
// call of the store does not return, the process ends 5 s after the grace time
// (package cli). The next start recovers what is unfinished, as after a crash.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	files_linux.go files_notlinux.go files_unix.go files_other.go limits.go heap.go giveback.go procs.go
//	keeper.go
//	certificates.go files.go egress.go testcalls.go hosts.go database.go signin.go keys.go socket_unix.go
//	socket_other.go fingerprint.go
//	node.go cluster.go peers.go deadman.go faults.go alerturl.go alertsettings.go alerts.go settings.go judge.go app.go
//	rotate.go migrate.go copy.go
package app
