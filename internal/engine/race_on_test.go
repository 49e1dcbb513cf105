//go:build race

package engine

// randomSeeds is how many seeds TestRandom runs. The race detector makes a seed
// ten times as slow; make plain runs more of them without it.
const randomSeeds = 15
