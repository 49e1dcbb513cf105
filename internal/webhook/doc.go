// Package webhook signs requests according to the Standard Webhooks
// specification, so that a target can verify with an existing library that a
// request comes from Belfry.
//
// # What it guarantees
//
//   - A signature covers the id, the time and every byte of the body, with
//     HMAC-SHA256. With two secrets there are two signatures, so that a target
//     that knows either one can verify requests while the secret is rotated.
//   - The calls of a namespace are signed with secrets of its own, from which neither
//     the server's secret nor that of another namespace can be found ([Namespaces]).
//   - A [Secret] is masked wherever it is printed, logged or encoded as JSON, and
//     errors do not contain it.
//   - Signing does not allocate.
//
// # How this is shown
//
// The reference library verifies the signatures, and its own are compared with
// them. A test looks for a secret in everything that is printed. A benchmark counts
// allocations.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	secret.go signer.go namespaces.go
package webhook
