//go:build !race

package alert

const lossSeeds = 60
