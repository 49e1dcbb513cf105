//go:build !unix

package front

import "net"

// ShortenQueue does nothing: the queue is as long as the system makes it.
func ShortenQueue(net.Listener, int) {}
