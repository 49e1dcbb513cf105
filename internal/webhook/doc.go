// Package webhook signs requests as the Standard Webhooks specification says,
// so that a target can tell Belfry's requests from anybody's, with a library
// that it does not have to write.
//
// # What it guarantees
//
//   - A signature covers the id, the time and every byte of the body, with
//     HMAC-SHA256; with two secrets there are two signatures, so that a target
//     may know either while secrets are changed.
//   - A [Secret] is shown in no printed form, log value, JSON document or error.
//   - Signing costs no allocation.
//
// # How this is shown
//
// The signatures are verified by the library of the specification, and compared
// with its own; a canary secret is looked for in every printed form; a benchmark
// counts allocations.
package webhook
