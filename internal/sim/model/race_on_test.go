//go:build race

package model

// limit bounds an exploration. The race detector makes it ten times as slow;
// with it the first states are enough: the model has no goroutines of its own,
// and `make race` is not where the protocol is proven.
const (
	limit      = 60_000
	exhaustive = false
)
