package resolve

import (
	"context"
	"net"
)

// exchangesKey finds the *exchanges of a lookup in its context, which package net hands
// on to the function that connects to a name server.
type exchangesKey struct{}

// Dial connects to a name server.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// system returns the lookup of the system: by its hosts file and its name servers.
func system(dial Dial) Lookup {
	r := &net.Resolver{ // a lookup in C would hold a thread
		PreferGo: true,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			c, err := dial(ctx, network, address)
			if err != nil {
				return nil, err
			}
			return observe(ctx, c), nil
		},
	}
	return func(ctx context.Context, name string) (Answer, error) {
		x := new(exchanges)
		addrs, err := r.LookupNetIP(context.WithValue(ctx, exchangesKey{}, x), "ip", name)
		return x.conclude(name, Answer{Addrs: addrs}, err)
	}
}

// observe wraps a connection to a name server so that the lookup to which it belongs
// learns what passes.
func observe(ctx context.Context, c net.Conn) net.Conn {
	x, ok := ctx.Value(exchangesKey{}).(*exchanges)
	if !ok { // the lookup has ended
		return c
	}
	if udp, ok := c.(*net.UDPConn); ok {
		return newPacketServer(ctx, udp, x)
	}
	if _, packets := c.(net.PacketConn); packets {
		return c
	}
	return newStreamServer(ctx, c, x)
}
