//go:build !race

package model

// limit bounds an exploration: a scenario that is larger is too large, which
// is an error. Whatever is smaller is seen whole.
const (
	limit      = 2_000_000
	exhaustive = true
)
