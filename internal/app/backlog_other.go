//go:build !unix

package app

import "net"

// shortenQueue does nothing: the queue is as long as the system makes it.
func shortenQueue(net.Listener, int) {}
