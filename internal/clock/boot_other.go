//go:build !linux

package clock

import "time"

// bootTime returns zero: there is no portable clock that counts sleep.
func bootTime() time.Duration { return 0 }
