// Package client is a Go client of Belfry's REST API.
//
//	c, err := client.New("http://127.0.0.1:3000", os.Getenv("BELFRY_API_KEY"))
//	created, err := c.Jobs.Create(ctx, client.Spec{
//		Schedule: "0 */5 * * * *", API: "https://example.com/hook", Type: "ATLEAST_ONCE",
//	})
//
// Methods are grouped like the paths of the API: [Client.Jobs], [Client.Operations],
// [Client.Executions] and [Client.Keys]. What concerns the server as a whole is a method of the client itself.
//
// # What it guarantees
//
//   - Every error answer of the server is a [*Problem] with the fields that are wrong. Every
//     other error means that no complete answer was received.
//   - A truncated answer is an error, never a shorter list.
//   - A list is read page by page, only as far as the caller iterates over it.
//   - The key is sent only to the server that was passed to New: redirects are not followed.
//   - An answer takes a bounded amount of memory.
//   - What the server refuses for now (429, 503) is sent again after Retry-After, three times and
//     within 10 s in all, where it certainly was not carried out or can be repeated. What makes a job
//     or a silence, or runs a job, can be: it has an Idempotency-Key of its own. The body of an import is a stream,
//     and is not sent again.
//
// Instants are Unix milliseconds, as in the API. The package uses only the standard
// library. It shares no types with the server, so that its tests detect a change of the
// contract.
//
// # How this is shown
//
// Each method is tested against a server that checks method, path, headers and body of
// the request. This server answers as the contract says, or deliberately wrong.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	answer.go problem.go again.go connection.go page.go
//	job.go joblist.go operation.go keyed.go instant.go version.go execution.go failing.go transfer.go key.go
//	testcall.go alertrule.go
//	client.go forecast.go pin.go audit.go change.go host.go cluster.go me.go settings.go observe.go
//	series.go event.go alerting.go channel.go
package client
