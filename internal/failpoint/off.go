//go:build !failpoint

package failpoint

// Hit marks a seam. It does nothing in this build.
func Hit(string) {}
