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
//   - It ends within the job's timeout, or MaxTime if that is less, apart from what the call waits
//     in line before its connection is opened.
//   - Secrets are masked in what is shown: in the request by the names of headers, in the answer
//     wherever the target repeats them (package executor).
//
// How many are made at a time is for its callers to bound.
package testcall
