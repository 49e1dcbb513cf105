//go:build race

package host

// noiseSeeds is how many seeds TestHostLimitIsNotDrivenByNoise runs. The test has no
// goroutines, and the race detector makes it ten times as slow: make plain runs all.
const noiseSeeds = 10
