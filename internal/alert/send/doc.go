// Package send delivers messages about alerts, one attempt at a time.
//
// # What it guarantees
//
//   - Each address that is connected to was judged by the guard of the targets of jobs, after the name was looked up.
//   - An attempt ends in time, whatever the receiver does, and reads a bounded part of its answer.
//   - No error has a secret of the channel, nor what a receiver repeats of it.
//   - What belongs to others, such as the name of a job or the answer of its target, is escaped in each format: it
//     makes no link, mentions nobody, and adds no header.
//   - A redirect is not followed, and no proxy is used: the guard would not see where that leads.
//
// # How a kind is sent
//
// A message becomes requests in a pure function of its kind, of the table makers. What an answer means is one decision
// for all of them, judge.
//
// # How this is shown
//
// The body of each kind is compared with a file in testdata, and hostile texts are looked for in it. Receivers that
// fail, hang, redirect, answer 429 and endless bodies, and the reference library of Standard Webhooks,
// which verifies the signature.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	client.go httpclient.go answer.go input.go body.go chat.go push.go incident.go mail.go send.go
package send
