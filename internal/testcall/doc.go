// Package testcall sends the request that a fire of a job would send, once and now, for somebody
// who wants to see what comes back.
//
// # What it guarantees
//
//   - The request is made of the job by the code that makes those of fires (package engine/run),
//     and is sent by an executor with the same settings: egress rules, authorities, client
//     certificates, signatures and limits. It says that it is a test: Belfry-Test: true.
//   - It has an execution id of its own, which no fire and no trigger has. Nothing is stored, no
//     retry follows, and no alert.
//   - It is not counted: the executor of test calls has its own connections, and its own memory of
//     how hosts behave, so that a test neither takes a slot of a fire nor makes a host look dead.
//   - The request ends within the job's timeout, or MaxTime if that is less. Before it begins, the call
//     may wait in the lines of the executor as a fire does, each time that it needs a connection: for
//     its turn to dial a host that does not answer (host.LongestWait), and for a connection while
//     others to the host are opened (host.LongestHeld, 30 s at most). Times.Waited says for how long.
//   - What nobody waits for any more is not sent. A request that is under way is not cut off.
//   - Secrets are masked in what is shown: in the request by the names of headers, in the answer
//     wherever the target repeats them (package executor).
//
// How many are made at a time is for its callers to bound.
package testcall
