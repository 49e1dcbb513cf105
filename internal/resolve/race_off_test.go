//go:build !race

package resolve

// fewerNames divides the number of names in tests of many: all of them.
const fewerNames = 1
