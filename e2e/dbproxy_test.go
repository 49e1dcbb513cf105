package e2e

import (
	"bytes"
	"context"
	"io"
	"net"
	"sync"
	"testing"
	"time"
)

// dbProxy is the network between one node and the database. It is a proxy of the test and not toxiproxy, because it
// has to read what passes: the worst moment to cut a connection is after a commit and before its answer.
type dbProxy struct {
	addr string
	dial func() (net.Conn, error)

	mu      sync.Mutex
	state   network
	changed chan struct{} // closed when the state changes
	open    map[net.Conn]bool
	cuts    int // of commits from their answers
}

// network is how a network is.
type network int

const (
	passing   network = iota
	cut               // connections end, and no new ones are made
	silent            // nothing arrives, and nobody is told
	oneWay            // requests arrive, and no answers
	slow              // whatever passes takes slowBy
	forgetful         // a connection ends when something was committed, before the answer
)

const slowBy = 150 * time.Millisecond

func newDBProxy(t *testing.T, dial func() (net.Conn, error)) *dbProxy {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &dbProxy{addr: l.Addr().String(), dial: dial, changed: make(chan struct{}), open: make(map[net.Conn]bool)}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { p.carry(c) })
		}
	})
	t.Cleanup(func() {
		_ = l.Close()
		p.set(cut)
		all.Wait()
	})
	return p
}

// set changes the network.
func (p *dbProxy) set(state network) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.state = state
	close(p.changed)
	p.changed = make(chan struct{})
	if state == cut {
		for c := range p.open {
			_ = c.Close()
		}
	}
}

func (p *dbProxy) now() (state network, changed <-chan struct{}) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.state, p.changed
}

// keep notes a connection that a cut closes; false: the network is cut.
func (p *dbProxy) keep(c net.Conn) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.open[c] = true
	return p.state != cut
}

func (p *dbProxy) end(c net.Conn) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.open, c)
	_ = c.Close()
}

// carry carries one connection.
func (p *dbProxy) carry(node net.Conn) {
	defer p.end(node)
	if !p.keep(node) {
		return
	}
	ctx, ended := context.WithCancel(context.Background())
	defer ended()
	database, err := p.dial()
	if err != nil {
		return
	}
	defer p.end(database)
	if !p.keep(database) {
		return
	}
	var both sync.WaitGroup
	for _, way := range []struct {
		from, to net.Conn
		answers  bool
	}{{node, database, false}, {database, node, true}} {
		both.Go(func() {
			defer func() { // the end of one way is the end of the other
				ended()
				_ = way.from.Close()
				_ = way.to.Close()
			}()
			p.pump(ctx, way.from, way.to, way.answers)
		})
	}
	both.Wait()
}

func (p *dbProxy) pump(ctx context.Context, from io.Reader, to io.Writer, answers bool) {
	b := make([]byte, 64<<10)
	for {
		n, err := from.Read(b)
		if n > 0 {
			if !p.pass(ctx, b[:n], answers) {
				return
			}
			if _, err := to.Write(b[:n]); err != nil {
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// pass waits until bytes may go on; false: never.
func (p *dbProxy) pass(ctx context.Context, b []byte, answers bool) bool {
	for {
		state, changed := p.now()
		var wait <-chan time.Time
		switch {
		case state == cut:
			return false
		case state == forgetful && answers && committed(b):
			p.mu.Lock()
			defer p.mu.Unlock()
			p.cuts++
			return false
		case state == slow:
			wait = time.After(slowBy)
		case state == silent, state == oneWay && answers:
		default:
			return true
		}
		select {
		case <-wait:
			return true
		case <-changed:
		case <-ctx.Done():
			return false
		}
	}
}

// committed reports whether an answer of PostgreSQL says that a transaction that has written is committed: it
// ends with ReadyForQuery, idle, after the tag of a statement that writes.
func committed(answer []byte) bool {
	if !bytes.HasSuffix(answer, []byte("Z\x00\x00\x00\x05I")) {
		return false
	}
	for _, tag := range []string{"INSERT ", "UPDATE ", "DELETE ", "COMMIT"} {
		if bytes.Contains(answer, []byte(tag)) {
			return true
		}
	}
	return false
}
