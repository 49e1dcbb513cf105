//go:build !race

package engine

// randomSeeds is how many seeds TestRandom runs.
const randomSeeds = 50
