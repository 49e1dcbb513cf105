// Package executor makes one HTTP attempt: a [domain.Call] goes out, a
// [domain.Outcome] comes back.
//
// # What it guarantees
//
//   - One Do is one request. A call that is at most once (Call.Once) is written
//     to one connection and never again. Any other call is written a second
//     time in one case only: the connection was a used one, and its peer closed
//     it before a byte of the response.
//   - An attempt ends within Call.Timeout, which covers looking the name up,
//     connecting, TLS, sending, waiting and reading, or a thousandth of it later
//     (see endBy), never sooner. Before it begins, a call to a
//     host that is silent may stand in line (see pace) for a quarter of that and 4 s
//     at most; Outcome.Held says for how long.
//   - Outcome.MaybeSent is false only when no byte of the request was written.
//   - What a target sends is bounded: header bytes and lines, interim
//     responses, body bytes, and by the deadline the time it takes to send them.
//   - Config.Guard has judged each address that is connected to, after the
//     lookup; a connection serves only the scheme, host, port and client
//     certificate under which it was opened.
//   - Outcome.Error tells a person what went wrong and where.
//   - Redirects are not followed, no proxy is used, nothing is read from the
//     environment.
//
// # How an attempt goes
//
//	Do ──> splitURL ──> table ──> host ──> idle connection, newest first ──┐
//	                                 └───> resolver ─> dialer ─> TLS ──────┤
//	                                                                       v
//	Outcome <── report <── body, to the limit <── header <── write the request
//	                            │
//	                            └─ read to its end: the connection goes back
//	                               to the host; otherwise it is closed
//
// Messages are parsed by fasthttp, except for a short success that came whole,
// of which only the status matters: see plainSuccess. The pool of connections is Belfry's own and
// not that of fasthttp.HostClient, for three reasons: a request that met a
// stale connection must go out on a fresh one, while the HostClient would hand
// out the next idle one, most likely stale too; a call that is at most once may
// use an idle connection only if it is surely alive; and Close must close.
//
// # At most once and keep-alive
//
// A peer may close an idle connection in the moment in which a request is
// written to it. Nobody can tell then whether the request was read, so a call
// that is at most once would fail for nothing. It therefore takes an idle
// connection only when that was used a moment ago (onceMaxIdle) and the kernel
// knows of no close; otherwise it connects anew. What remains is a peer that
// closes within a round trip of being asked: such a call fails with MaybeSent.
//
// Any other call looks for a close right after it has written, except on a warm
// connection, where a reset has to tell (see warmFor).
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
