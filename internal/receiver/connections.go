package receiver

import (
	"context"
	"errors"
	"net"
	"sync/atomic"
	"syscall"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/valyala/fasthttp"
)

// Connections are those of the clients.
type Connections struct {
	Open        int64 `json:"open"`
	Most        int64 `json:"most"`        // at the same time
	MostPerPort int64 `json:"mostPerPort"` // to one port at the same time
	Opened      int64 `json:"opened"`
}

// gauge counts what is open.
type gauge struct{ open, most, opened atomic.Int64 }

func (g *gauge) add() {
	raise(&g.most, g.open.Add(1))
	g.opened.Add(1)
}

// raise sets a maximum.
func raise(highest *atomic.Int64, v int64) {
	for {
		old := highest.Load()
		if v <= old || highest.CompareAndSwap(old, v) {
			return
		}
	}
}

func (g *gauge) done() { g.open.Add(-1) }

// reset starts again from what is open now.
func (g *gauge) reset() {
	g.most.Store(g.open.Load())
	g.opened.Store(0)
}

// connections counts the connections, all of them and those of each port.
type connections struct {
	all   gauge
	ports map[int]*gauge // complete before the first connection
}

func newConnections(listeners []net.Listener) *connections {
	c := &connections{ports: make(map[int]*gauge, len(listeners))}
	for _, ln := range listeners {
		c.ports[portOf(ln.Addr())] = new(gauge)
	}
	return c
}

func portOf(addr net.Addr) int {
	if tcp, ok := addr.(*net.TCPAddr); ok {
		return tcp.Port
	}
	return 0
}

// follow is called when the state of a connection changes, which is twice for each
// request.
func (c *connections) follow(conn net.Conn, state fasthttp.ConnState) {
	switch state {
	case fasthttp.StateActive, fasthttp.StateIdle:
	case fasthttp.StateNew:
		c.all.add()
		c.ports[portOf(conn.LocalAddr())].add()
	case fasthttp.StateHijacked, fasthttp.StateClosed:
		c.all.done()
		c.ports[portOf(conn.LocalAddr())].done()
	}
}

func (c *connections) reset() {
	c.all.reset()
	for _, g := range c.ports {
		g.reset()
	}
}

func (c *connections) now() Connections {
	s := Connections{Open: c.all.open.Load(), Most: c.all.most.Load(), Opened: c.all.opened.Load()}
	for _, g := range c.ports {
		s.MostPerPort = max(s.MostPerPort, g.most.Load())
	}
	return s
}

// acceptAgain is how long a listener waits before it accepts again.
const acceptAgain = 10 * time.Millisecond

// steadyListener continues to accept after the limit of open files was reached, which
// would end the server. Connections wait in the kernel in the meantime.
type steadyListener struct {
	net.Listener
	stopping context.Context
}

// Accept implements net.Listener.
func (l steadyListener) Accept() (net.Conn, error) {
	for {
		c, err := l.Listener.Accept()
		if err == nil || !errors.Is(err, syscall.EMFILE) && !errors.Is(err, syscall.ENFILE) {
			return c, err
		}
		if !clock.Wait(l.stopping, acceptAgain) {
			return nil, net.ErrClosed
		}
	}
}
