// Package peer carries requests from one node of a cluster to another.
//
// A client may ask any node. Some requests only the owner of a job's shard can answer
// well: an edit that holds as soon as it is answered, and what is running now. The node
// that was asked sends such a request on, in the name of its caller:
//
//	client ── request, API key ──► node A: who is it? whose job is it?
//	                                 │ Link.Send: head {from, to, time, nonce, caller, digest}, MAC
//	                                 ▼
//	                               node B, Gate: MAC, receiver, time, nonce, digest; then the
//	                                 │ API answers as if the caller had asked here
//	                                 ▼
//	client ◄── the same answer ──── node A: the MAC of the answer is right
//
// The request travels whole, as the body of a POST, and so does the answer: no proxy in
// between can change a header or a body. An API key never travels. What does is who the
// caller is, as node A has found.
//
// # What it guarantees
//
//   - Only a node with the cluster's key can ask in somebody's name. Each byte of the head
//     and of the request is covered by an HMAC-SHA256, under a key that is derived from
//     the cluster's and used for nothing else.
//   - A request is for one start of one node, valid for [Window] around its time, and
//     taken once: a copy of it is refused.
//   - Whoever is no node costs little: the body of a request without a right head is not read.
//   - An answer without a right MAC is no answer. A process that has got the address of a
//     node that is gone cannot answer for it.
//   - [Link.Send] says what is known of a request that was not answered. [NotSent]: it
//     cannot have been carried out. [Unknown]: it may have been. It takes no longer than
//     the context and the timeout allow.
//   - One hop: what comes through a [Gate] is not sent on. A request has no header of this
//     package, nor one that speaks of the connection, the key or the origin.
//   - Everything has a limit: bytes of a request and of an answer, requests at a time,
//     nonces that are remembered.
//
// The content of requests is not encrypted here. Nodes that reach each other over a
// network that others can read need TLS.
//
// # How this is shown
//
// The tests are attacks: each byte of a message is changed, copies are sent at the same
// time, to another node and later, and a proxy in between changes the answer, cuts the
// connection at each stage, or is silent. What an outcome is called is a pure function
// with a truth table (outcomeOf).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	keys.go message.go nonces.go capture.go gate.go link.go
package peer
