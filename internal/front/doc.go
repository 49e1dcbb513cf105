// Package front is what a request to the API passes before its route, and a connection
// before its first request: limits of connections, TLS, safe headers, the log line and
// the counters of each request.
//
//	kernel's queue ─▶ acceptrate.go ─▶ connections.go ─▶ certificate.go ─▶ handler.go ─▶ routes
//	(backlog)         how fast         how many         TLS               headers, panics, log
//
// It knows nothing of routes, of keys and of jobs.
//
// # What it guarantees
//
//   - The number of connections is bounded. At the bound an idle or slow connection is
//     closed for a new one, so that neither kind keeps other clients out. A connection
//     whose request is being handled is never closed.
//   - New connections cost a bounded part of the CPU, no matter who opens them: beyond
//     the rate they wait in the kernel, and in a flood addresses above their share are
//     refused, so that other clients get through the queue.
//   - Every answer has an X-Request-Id: the client's, if it is well formed, or a new
//     one. Each log line of the request has it too. net/http's own answers to what is
//     no request have it as well, except within TLS.
//   - A client that does not go on taking its answer is disconnected, so that it does not
//     keep what the answer holds.
//   - Every answer has the safe headers, and no header lets another origin read it.
//   - A request that has more than one reading is refused, and its connection is closed:
//     with Content-Length and Transfer-Encoding, Transfer-Encoding in HTTP/1.0, folded
//     lines (RFC 9112, sections 6.1 and 5.2), or a Content-Length too long to follow.
//     After any other chunked request the connection is closed too, so that its body is
//     never taken for another request.
//   - TLS is 1.2 or later, with authenticated encryption and forward secrecy. HTTP/2 is
//     not spoken (ADR 40).
//   - A panic ends one request and not the process. It is logged with the number that
//     the answer has, and counted.
//   - A header or the PROXY protocol says where a request comes from only if the address
//     that sent it is among [Proxies]; of a chain, the last address that is not among
//     them counts, so that no client chooses its own.
//   - A TLS certificate that was renewed is used without a restart; one that cannot be
//     used changes nothing.
//
// # How this is shown
//
// acceptrate_test.go runs floods in virtual time, from few addresses, from a proxy and
// from a million addresses. connections_test.go opens several times as many connections
// as a server takes, silent, half way through a request and slow, with and without TLS,
// while other clients ask. framing_test.go sends requests in pieces of every size, and a
// fuzz test compares what it follows with what net/http reads. requestid_test.go has the
// truth table of ids, and asks a server for each answer of net/http itself.
// proxies_test.go has the table of chains, forged ones included, and
// proxyprotocol_test.go cuts and breaks each header of the protocol at every byte.
// certificate_test.go renews certificates in every order. The
// tests of packages api and app run the same over the whole API. ADR 25 compares the
// limits with a library's.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	framing.go headers.go writer.go path.go proxies.go requestid.go handler.go
//	backlog_unix.go backlog_other.go unrouted.go connections.go server.go
//	proxyprotocol.go acceptrate.go certificate.go wireconn.go
package front
