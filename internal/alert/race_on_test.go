//go:build race

package alert

// lossSeeds is how many seeds TestNoAlertIsLost runs: the race detector makes each
// very slow, and finds in a few what it finds in all. make plain runs all.
const lossSeeds = 8

// outageJobs is how many jobs TestAHostThatFailsIsOneMessage has.
const outageJobs = 1_100
