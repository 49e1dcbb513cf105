//go:build race

package resolve

// fewerNames divides the number of names in tests of many: the race detector makes each
// eight times as slow and sees the same accesses for every name. make plain has them all.
const fewerNames = 10
