// Package executor makes one HTTP attempt: a [domain.Call] goes out, a
// [domain.Outcome] comes back.
//
// # What it guarantees
//
//   - One Do sends at most one request. It is written a second time in two cases
//     only: the connection was a kept one, and the kernel took no byte of the
//     request for it (mayWriteAgain); or it was one of HTTP/2, and the target has
//     certainly not processed the request (see below). Any later failure fails the
//     attempt; whether it is retried is for the job's retry policy.
//   - A timeout ends the attempt at Call.Timeout or up to a thousandth of it later
//     (see endBy), never sooner. It covers the lookup of the name, connecting, TLS,
//     sending, waiting and reading. Before it begins, a call may wait in this process's
//     own lines (package host): for a connection, for as long as its timeout and 10 s at
//     least, and for its turn to dial a silent host, for a quarter of the timeout and 4 s at
//     most. Outcome.Held says for how long. A call that got no connection is not sent.
//   - How many connections are opened follows from what the host needs (ADR 26). That a call
//     has waited for long is no reason for one.
//   - What calls need that are due soon is made ready before (Prepare, ADR 31): no more than
//     they need, only while the processor is not busy, and not at a host that does not answer.
//     It is no attempt, and a failure of it is not told.
//   - Outcome.MaybeSent is false only when no byte of the request was written, or
//     the target has certainly not processed what was.
//   - What a target sends is bounded: header bytes and lines, interim
//     responses, body bytes, and by the deadline the time it takes to send them.
//   - Config.Guard has judged each address that is connected to, after the
//     lookup; a connection serves only the scheme, host, port (one target.Host) and client
//     certificate under which it was opened.
//   - The certificate of an https target is verified as package certs says.
//   - localhost, and names below it, are 127.0.0.1 and ::1: no resolver is asked.
//   - A name that was looked up once is called while no name server answers, for an hour
//     after the TTL of its addresses (package resolve). A call that fails then says so.
//   - Outcome.Error is a message for people: what went wrong, and where.
//   - A call with a trace, which is a test call, goes the same way on a connection of its own, and
//     what was sent and answered is in the trace. A call without one pays nothing for that.
//   - Redirects are not followed, no proxy is used, nothing is read from the
//     environment.
//
// # How an attempt goes
//
//	Do ──> Cut ──> route ──> pool ──> idle connection, newest first ───────┐
//	                          └───> wait ─┬─> one that another call frees ─┤
//	                      connector ─> opener ─> resolver ─> dialer ─> TLS ┤
//	                                                                       v
//	Outcome <── report <── body, to the limit <── header <── write the request
//	                            │
//	                            └─ read to its end: the connection goes back
//	                               to the host; otherwise it is closed
//
// An [Executor] has what calls share: a table of pools, one for each host and way of
// calling it, a connector that decides which connections are opened next, and the
// configuration. A call has an exchange, which consists of
//
//	progress   the phase, and the deadline
//	request    the bytes that are written
//	link       the connection that is held, and how much was written to it
//	response   the reader of an answer: heads, interim answers, body, chunks
//	failure    made when there is no whole answer: says in words what happened
//
// The grammar of answers is in statusline.go, reply.go and framing.go (ADR 20). A short
// success that arrives whole takes a shorter way, since only its status matters:
// see plainSuccess.
//
// The pool of connections is Belfry's own and not that of fasthttp.HostClient, for
// three reasons. A request that met a stale connection must go out on a new one;
// the HostClient would take the next idle one, which is most likely stale too. An
// at-most-once call may use an idle connection only if it is certainly alive. And
// Close must close the connections.
//
// # Kept connections
//
// A peer may close an idle connection at the moment at which a request is written
// to it. Then it is not known whether the request was read:
//
//	found before the write: an end, a reset, bytes     nothing was written: a new connection
//	the write fails, nothing taken                     the same
//	a part of the request, or all of it, is written, and then
//	  an end or a reset, nothing acknowledged          may have been read: acknowledgements are
//	                                                   delayed, and no reset carries one that counts
//	  an end first, then nothing                       may have been read: a half closed peer reads on
//	  the deadline, a part of an answer                may have been read
//
// So a connection is checked before each write, by a read that must find nothing. A
// connection that was in use within warmFor is not checked. The check replaces the
// read after the write, so it costs no further system call, except for a long body. So it
// is with TLS (holdWrites): what the check reads goes through TLS, and nothing is written
// unless that was session tickets alone. An end of the connection that has arrived with the
// answer before is found there too.
//
// The check cannot see a close that is still on its way. Its packet takes one network
// delay d; the connection breaks if the peer closes it within d before the request.
// For a job whose instants are unrelated to the peer's idle timeout T the chance is
// d/T where each call follows a pause of about T (50 ms over 60 s: one in 1,200),
// and zero where calls follow sooner. For a job whose period is T it would be every
// call. So a connection is not used any more some time before its peer closes it
// (habits): at the time that a Keep-Alive header says, at the shortest pause after
// which one was found closed, and at IdleTimeout in any case. A host that closes
// right after its answers without announcing it is recognised at the first such
// close; from then on its connections wait a moment before they are checked.
//
// No connection is used without a limit of time: otherwise a target that moves to
// another address would be called at the old one as long as it is called often. Each
// connection has a maximal age (lifetime), drawn between half of Config.MaxConnAge
// and all of it. The age is checked when a call takes the connection and when the
// call returns it, with clock readings that are taken anyway. The next call then
// needs the addresses of the name again, and those are used until their TTL has passed, for
// 5 min at most (package resolve). So calls go to the old address for at most that TTL plus
// MaxConnAge, 5 min, after the record was changed; while no name server answers, for longer.
//
// Idle connections are closed by age (Config.IdleTimeout), and by number. A host has at most
// Config.MaxConnsPerHost, and all hosts together have MaxConns, with those in use. Beyond
// that, an opening makes room (room): the host with the most idle connections loses the one
// that has rested for longest. All pools are looked at once, into a heap, which serves for a second;
// so a close costs O(log n), and calls that find a connection pay nothing. Where no connection
// is idle there are more than MaxConns for a moment, each opened for a call that waits
// and closed when it is freed. A dial that finds no file descriptor left makes room too.
//
// An at-most-once call always checks, and takes only a connection that was used
// within onceMaxIdle. Where the system cannot check (Windows) it opens a new one.
//
// # HTTP/2
//
// The handshake with an https target offers HTTP/2 and HTTP/1.1 (ALPN). If it agrees on
// HTTP/2, the connection is one of package h2 and carries many calls at a time. The
// pool has it in a list of its own (shared). A call takes a stream of the first connection
// that has one free; where none has, it waits as with HTTP/1.1, for a stream that another
// call frees or for a further connection. How many of those the calls that wait
// need follows from the streams that the target allows (connectionsFor).
//
// A host that answers within 2 ms is called by HTTP/1.1, although it offers HTTP/2: a few
// connections carry its calls, and each costs less (host.CheaperByHTTP1, ADR 32). If the
// host refuses that, by the handshake, by a status (refusesHTTP1) or by answering in HTTP/2,
// no call fails for it: the request was not processed, and is sent again by HTTP/2.
//
// The request is the same, byte for byte: the head is made once, as HTTP/1.1 writes it, and
// package h2 takes its fields. Without those of a connection, such as Keep-Alive, names
// are in lower case and Host is :authority. The answer goes through the same describe,
// Retry-After and limits, so that its outcome is the same too (TestSameOutcome).
//
//	what ends a call (sections of RFC 9113)             sent again within the attempt
//	REFUSED_STREAM (8.7)                                yes: it was not processed
//	GOAWAY with a smaller stream identifier (6.8)       yes
//	the connection ended before the head was written    yes
//	any other reset, GOAWAY or end                      no: it may have been processed
//	HTTP_1_1_REQUIRED                                   no; the host is called by HTTP/1.1 from then on
//	the deadline                                        no; the stream is reset, others go on
//
// It is sent again maxSentAgain times at most, with pauses, within the timeout. A call that
// is at most once goes out only if the target was alive onceMaxIdle ago or answers a PING;
// the table holds for it too.
//
// # Answers as HTTP says them
//
// A target that answers has received the call. So an answer is accepted ("taken")
// wherever RFC 9112 and RFC 9110 allow it, and one that cannot be accepted is final:
// the same call would get the same answer. Only an answer that breaks off, or does not
// come in time, is retried. An answer that another program may read in another way, such as
// a proxy in front of the target, is no success: which of the readings is the target's is not
// known. Where only one reading is possible, a violation of the grammar closes the connection
// and does not fail the call.
// Sections are of RFC 9112 unless said; TestAnswersByTheRFC has a case for each row.
//
//	2.2   LF alone ends a line; empty lines first     taken
//	      white space before the first field          final for a 2xx (*)
//	2.3   HTTP/1.x; in lower case                     taken; taken, connection closed
//	      another major version                       final
//	4     no reason, or no space before it            taken
//	      other white space in the status line        taken, connection closed
//	      a status that is not three digits           final
//	9110, 15    a status outside 100 to 599           recorded as sent, treated as 5xx
//	9110, 15.2  1xx; 101                              passed over, 16 at most; final
//	5, 5.1  white space before the colon, no colon,
//	      a name that is none                         final for a 2xx (*)
//	9110, 5.5   NUL, or CR, in a value                read as a space, connection closed
//	5.2   folded lines                                final for a 2xx (*)
//	6.1   identity; other codings, then chunked       taken; chunks are read, content is not decoded
//	      a coding that is not chunked at the end     the body ends with the connection
//	      a length beside a coding, or in HTTP/1.0    final for a 2xx (*)
//	6.3   the same length several times               taken
//	      lengths that differ or are no numbers       final for a 2xx; others count by their status
//	      no length                                   the body ends with the connection
//	      HEAD, 1xx, 204, 304                         no body, whatever is said
//	7.1   extensions, trailers, any case, LF alone    taken; LF alone closes the connection
//	      no size, or more than the size              final for a 2xx
//	8     the end before the body is whole            retried, also after a 2xx
//	9.3   Connection: close, HTTP/1.0, surplus bytes  taken, connection closed
//
// (*) Another status counts as it is; its body is read by the coding, if there is one, and the
// connection is closed. An interim answer of that kind is final.
//
// In HTTP/2 the same goes for Transfer-Encoding, lengths that differ or are no numbers, and a body
// that is longer than its length; what its grammar does not have ends the stream as well (package
// h2).
//
// An answer that is not HTTP is named by its first bytes (mistakes.go).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	text.go hide.go mistakes.go config.go reuse.go plain.go statusline.go reply.go framing.go
//	trace.go response.go answered.go request.go progress.go stream.go fault.go
//	peek_unix.go rawio_linux.go rawio_race_linux.go rawio_other.go probe_unix.go probe_other.go
//	duplex_linux.go duplex_other.go rawstream_linux.go rawstream_other.go ports_linux.go ports_other.go
//	roundtrip_linux.go roundtrip_other.go
//	gate.go tally.go dial.go conn.go waitline.go protocol.go shared.go pool.go multiplex.go waiting.go ahead.go room.go
//	tls.go table.go route.go opening.go connector.go link.go exchange.go executor.go
//	prepare.go hosts.go
//
// # How this is shown
//
// Tests with real listeners cover each way in which a target can fail or attack, with
// a bound on what each may allocate. A DNS server rebinds, and fails. TLS uses generated
// certificates. Tests about duplicate requests count the requests at the target. A fuzz
// test compares what plainSuccess reads with what the parser reads. Benchmarks run
// beside the bare fasthttp.HostClient, for time, allocations and memory per waiting
// call.
package executor
