//go:build !unix

package front

import "testing"

// openFiles returns what is wanted: there is no limit here.
func openFiles(_ *testing.T, want int) int { return want }
