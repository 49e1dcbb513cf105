//go:build !unix

package sqlite

import (
	"testing"
	"time"
)

var begun = time.Now()

// cpuTime returns the time on the wall: that of the processor is not known here.
func cpuTime(*testing.B) int64 { return int64(time.Since(begun)) }
