// Package executor makes one HTTP attempt: a [domain.Call] goes out, a
// [domain.Outcome] comes back.
//
// # What it guarantees
//
//   - One Do is at most one request on the wire. It is written a second time in
//     one case only: the connection was a kept one, and the kernel took no byte of
//     the request for it (mayWriteAgain). Whatever happens later is an attempt
//     that failed, which the job's rule counts, numbers and repeats.
//   - An attempt ends within Call.Timeout, which covers looking the name up,
//     connecting, TLS, sending, waiting and reading, or a thousandth of it later
//     (see endBy), never sooner. Before it begins, a call to a
//     host that is silent may stand in line (see pace) for a quarter of that and 4 s
//     at most; Outcome.Held says for how long.
//   - Outcome.MaybeSent is false only when no byte of the request was written.
//   - What a target sends is bounded: header bytes and lines, interim
//     responses, body bytes, and by the deadline the time it takes to send them.
//   - Config.Guard has judged each address that is connected to, after the
//     lookup; a connection serves only the scheme, host, port (one target.Host) and client
//     certificate under which it was opened.
//   - localhost, and names below it, are 127.0.0.1 and ::1: no resolver is asked.
//   - Outcome.Error tells a person what went wrong and where.
//   - Redirects are not followed, no proxy is used, nothing is read from the
//     environment.
//
// # How an attempt goes
//
//	Do ──> Cut ──> route ──> host ──> idle connection, newest first ───────┐
//	                          └───> resolver ─> dialer ─> TLS ─────────────┤
//	                                                                       v
//	Outcome <── report <── body, to the limit <── header <── write the request
//	                            │
//	                            └─ read to its end: the connection goes back
//	                               to the host; otherwise it is closed
//
// Answers are read by statusline.go, reply.go and framing.go (ADR 20), except for
// a short success that came whole, of which only the status matters: see
// plainSuccess. The pool of connections is Belfry's own and not that of fasthttp.HostClient, for three reasons: a request that met a
// stale connection must go out on a fresh one, while the HostClient would hand
// out the next idle one, most likely stale too; a call that is at most once may
// use an idle connection only if it is surely alive; and Close must close.
//
// # Kept connections
//
// A peer may close an idle connection in the moment in which a request is
// written to it. Nobody can tell then whether the request was read:
//
//	found before the write: an end, a reset, bytes     nothing was written: a new connection
//	the write fails, nothing taken                     the same
//	the write takes a part, or all, and then
//	  an end or a reset, nothing acknowledged          may have been read: acknowledgements are
//	                                                   delayed, and no reset carries one that counts
//	  an end first, then nothing                       may have been read: a half closed peer reads on
//	  the deadline, a part of an answer                may have been read
//
// So there is a look before each write (a read that finds nothing), except on a
// connection that was in use within warmFor. It takes the place of a read that
// came after the write, so that no call has a system call more; with TLS, and for
// a long body, it is one more, where the connection is not warm. What the look
// cannot find is a close that is still on its way: a peer that closes within the
// time of one way before it is asked, and a few microseconds. For a job that comes
// at an instant of no relation to the peer's idle timeout T the chance is that
// time over T: of 50 ms over 60 s one in 1,200 where each call comes after a rest
// about as long, and none where calls come sooner. For a job whose period is T it
// would be each call. So connections are left unused before their peers close
// them (habits): after what a Keep-Alive header says, after the shortest rest
// at which one was found closed, and after IdleTimeout in any case. A host that
// closes right after its answers, unannounced, is known after one such close; its
// connections rest until they are looked at.
//
// Nor is a connection used for ever: a target that moves by DNS would be called
// where it was for as long as it is called often enough. Each connection has an
// age at which it retires (lifetime), a draw between half of Config.MaxConnAge and
// all of it. It is looked at when a call takes the connection and when it gives it
// back, by clock readings that are there anyway. The next call then looks the name
// up, and no answer of the system's resolver is kept for longer than lookupTTL. So
// after a change of the zone that the system knows of, calls begin at the old
// address for MaxConnAge and lookupTTL at most, 5 min and 3 s.
//
// A call that is at most once looks always, and takes a connection that was used
// within onceMaxIdle only. Where the system does not tell (Windows) it connects
// anew.
//
// # Answers as HTTP says them
//
// A target that answers has got the call, so that an answer is taken wherever RFC
// 9112 and RFC 9110 allow it, and what cannot be taken is final: the same call
// would be answered alike. Only what breaks off, or does not come in time, is
// retried. What is taken beyond the grammar costs the connection, not the call.
// Sections are of RFC 9112 unless said; TestAnswersByTheRFC has a case for each row.
//
//	2.2   LF alone ends a line; empty lines first     taken
//	      white space before the first field          taken, connection closed
//	2.3   HTTP/1.x; in lower case                     taken; taken, connection closed
//	      another major version                       final
//	4     no reason, or no space before it            taken
//	      other white space in the status line        taken, connection closed
//	      a status that is not three digits           final
//	9110, 15    a status outside 100 to 599           recorded as sent, treated as 5xx
//	9110, 15.2  1xx; 101                              passed over, 16 at most; final
//	5.1   a space before the colon, no colon,
//	      a name that is none, NUL in a value         the line is passed over or taken, connection closed
//	5.2   folded lines                                taken
//	6.1   identity; other codings, then chunked       taken; chunks are read, content is not decoded
//	      a coding that is not chunked at the end     the body ends with the connection
//	      a length beside a coding, or in HTTP/1.0    the coding counts, connection closed
//	6.3   the same length several times               taken
//	      lengths that differ or are no numbers       final for a 2xx; others stand by their status
//	      no length                                   the body ends with the connection
//	      HEAD, 1xx, 204, 304                         no body, whatever is said
//	7.1   extensions, trailers, any case, LF alone    taken; LF alone closes the connection
//	      no size, or more than the size              final for a 2xx
//	8     the end before the body is whole            retried, also after a 2xx
//	9.3   Connection: close, HTTP/1.0, surplus bytes  taken, connection closed
//
// What is not HTTP is named by how it begins (mistakes.go).
//
// # How this is shown
//
// Tests with real listeners for each way in which a target can fail or attack,
// with what each may allocate; a DNS server that rebinds; TLS with
// generated certificates, a count of requests at the target for everything
// about sending twice, a fuzz test that holds what is read without the parser
// against what the parser reads, and benchmarks beside the bare fasthttp.HostClient in
// the same run, for time, allocations and memory per waiting call.
package executor
