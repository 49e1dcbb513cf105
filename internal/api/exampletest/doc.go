// Package exampletest plays the examples of the OpenAPI document against a server, for tests: against the handlers in
// package api, and against the built binary in e2e.
//
// An answer differs from the one that is shown in its values (ids, instants), so what is compared is the shape: the
// members and their types. Ids are followed: where the answer has another id than the example, later requests have it,
// too.
package exampletest
