//go:build !unix

package app

import (
	"context"
	"errors"
	"net"
)

// listenSocket refuses: the mode of a file does not keep other users out here.
func listenSocket(context.Context, string) (net.Listener, error) {
	return nil, errors.New("unix_socket: this system has no unix sockets that only one user may connect to")
}
