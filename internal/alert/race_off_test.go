//go:build !race

package alert

const (
	lossSeeds  = 60
	outageJobs = 2_800
)
