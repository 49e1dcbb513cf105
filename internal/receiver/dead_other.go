//go:build !linux

package receiver

import (
	"context"
	"io"
	"net"
	"sync"
)

// holder has a goroutine for each connection.
type holder struct{}

// hold takes the connections of a listener until the context ends.
func (holder) hold(ctx context.Context, ln net.Listener) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(ctx, func() { _ = ln.Close() })()
	for {
		c, err := ln.Accept()
		switch {
		case ctx.Err() != nil && err != nil:
			return nil
		case err != nil:
			return err
		}
		all.Go(func() {
			defer context.AfterFunc(ctx, func() { _ = c.Close() })()
			_, _ = io.Copy(io.Discard, c)
			_ = c.Close()
		})
	}
}
