//go:build race

package api

// everyDocument is which of the generated documents and values are sent: one of so
// many, another one in each field. One goroutine sends them, which the race detector
// makes ten times as slow and finds nothing in: make plain sends all.
const everyDocument = 9
