package resolve

import (
	"context"
	"errors"
	"net"
)

// exchangesKey finds the *exchanges of a lookup in its context, which package net hands
// on to the function that connects to a name server.
type exchangesKey struct{}

// Dial connects to a name server.
type Dial func(ctx context.Context, network, address string) (net.Conn, error)

// errPassedOver says that a name server is not asked because it did not answer lately.
var errPassedOver = errors.New("the name server did not answer before")

// system returns the lookup of the system: by its hosts file and its name servers.
func system(dial Dial) Lookup {
	var quiet silence
	r := &net.Resolver{ // a lookup in C would hold a thread
		PreferGo: true,
		Dial: func(ctx context.Context, network, address string) (net.Conn, error) {
			if quiet.passOver(address, monotonic.Now()) {
				return nil, errPassedOver
			}
			c, err := dial(ctx, network, address)
			if err != nil {
				if x, ok := ctx.Value(exchangesKey{}).(*exchanges); ok {
					x.notMade(err)
				}
				return nil, err
			}
			return observe(ctx, c, func(answered bool) { quiet.saw(address, answered, monotonic.Now()) }), nil
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
func observe(ctx context.Context, c net.Conn, saw func(answered bool)) net.Conn {
	x, ok := ctx.Value(exchangesKey{}).(*exchanges)
	if !ok { // the lookup has ended
		return c
	}
	if udp, ok := c.(*net.UDPConn); ok {
		return newPacketServer(ctx, udp, x, saw)
	}
	if _, packets := c.(net.PacketConn); packets {
		return c
	}
	return newStreamServer(ctx, c, x)
}
