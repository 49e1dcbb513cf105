// Package send delivers messages about alerts, one attempt at a time.
//
// # What it guarantees
//
//   - Each address that is connected to was judged by the guard of the targets of jobs, after the name was looked up.
//   - An attempt ends in time, whatever the receiver does, and reads a bounded part of its answer.
//   - No error has a secret of the channel.
//   - A redirect is not followed, and no proxy is used: the guard would not see where that leads.
//
// # How this is shown
//
// Receivers that fail, hang, redirect, answer 429 and endless bodies, and the reference library of Standard Webhooks,
// which verifies the signature.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	client.go body.go send.go
package send
