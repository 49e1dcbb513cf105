// Package client speaks the REST API of Belfry.
//
//	c, err := client.New("http://127.0.0.1:3000", os.Getenv("BELFRY_API_KEY"))
//	created, err := c.Jobs.Create(ctx, client.Spec{
//		Schedule: "0 */5 * * * *", API: "https://example.com/hook", Type: "ATLEAST_ONCE",
//	})
//
// The calls are grouped as the paths of the API are: [Client.Jobs],
// [Client.Executions] and [Client.Keys]. What is about the server as a whole is a
// method of the client itself.
//
// # What it guarantees
//
//   - Every refusal of the server is a [*Problem] with the fields that are
//     wrong; every other error means that no complete answer came.
//   - An answer that was cut short is an error, never a short list.
//   - A list is read page by page as far as the caller ranges over it.
//   - The key goes to the server that New names and to no other: redirects are
//     not followed.
//   - An answer takes a bounded amount of memory.
//
// Instants are Unix milliseconds, as in the API. The package needs nothing but
// the standard library and shares no types with the server, so that a change
// of the contract shows in its tests.
//
// # How this is shown
//
// Each method is tested against a server that checks method, path, headers and
// body of the request, and answers as the contract says, or badly.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	answer.go problem.go connection.go page.go
//	job.go execution.go transfer.go key.go
//	client.go pin.go audit.go observe.go
package client
