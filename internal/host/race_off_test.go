//go:build !race

package host

// noiseSeeds is how many seeds TestHostLimitIsNotDrivenByNoise runs.
const noiseSeeds = 200
