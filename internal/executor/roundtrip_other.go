//go:build !linux

package executor

import (
	"net"
	"time"
)

// roundTripOf would ask the kernel.
func roundTripOf(net.Conn) time.Duration { return 0 }
