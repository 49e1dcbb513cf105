package executor

import (
	"context"
	"runtime"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
)

// lagValid is for how long the lag of a turn says something of the machine.
const lagValid = 100 * time.Millisecond

// connector decides which connections are opened next, of all hosts: see host.Demand and
// host.Allow. It works in turns while calls wait, and first whenever a call begins to.
type connector struct {
	cores int
	table *table
	begin func(*pool, *waiter) // opens a connection for a waiter, on a goroutine of its own

	mu      sync.Mutex
	line    []*pool // in which calls wait, in the order of their turns
	ahead   aheadLine
	allowed host.Allowance
	turn    time.Time // when this one began
	lag     time.Duration
	wake    chan struct{} // has an entry when there is work
}

func newConnector(t *table, begin func(*pool, *waiter)) *connector {
	return &connector{cores: runtime.GOMAXPROCS(0), table: t, begin: begin, wake: make(chan struct{}, 1)}
}

// join takes a pool in which a call waits into the line, and opens a connection at once
// if it is to be opened in this turn.
func (c *connector) join(p *pool, now time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.line) == 0 && now.Sub(c.turn) >= host.Turn {
		if now.Sub(c.turn) > lagValid {
			c.lag = 0
		}
		c.beginTurn(now, c.lag)
	}
	c.serve(p, now)
	if p.enterLine() {
		c.line = append(c.line, p)
		c.nudge()
	}
}

// joinAhead takes a pool into the line that is to have connections before calls are due.
func (c *connector) joinAhead(p *pool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ahead.pools = append(c.ahead.pools, p)
	c.nudge()
}

// beginTurn begins a turn that came so late.
func (c *connector) beginTurn(now time.Time, lag time.Duration) {
	c.turn, c.lag = now, lag
	c.allowed = host.TurnNow{Lag: lag, Cores: c.cores, Computing: c.table.gate.computing(),
		Busy: c.table.hosts.Busy(), Waiting: c.table.hosts.Waiting()}.Allow()
}

func (c *connector) nudge() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// serve opens the next connection of the pool, if the host needs one now and the
// allowance is not used up.
func (c *connector) serve(p *pool, now time.Time) (opened bool) {
	w := p.beginOpening(now, &c.allowed)
	if w != nil {
		c.begin(p, w)
	}
	return w != nil
}

// run works until the context ends.
func (c *connector) run(ctx context.Context) {
	timer := time.NewTimer(host.Turn)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for begun := monotonic.Now(); ; {
			timer.Reset(host.Turn)
			select {
			case <-ctx.Done():
				return
			case <-timer.C:
			}
			now := monotonic.Now()
			if !c.runTurn(now, now.Sub(begun)-host.Turn) {
				break
			}
			begun = monotonic.Now()
		}
	}
}

// runTurn opens what may be opened in a turn that came so late, and reports whether calls
// wait for more.
func (c *connector) runTurn(now time.Time, lag time.Duration) (more bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.beginTurn(now, lag)
	waiting := c.line[:0]
	for _, p := range c.line {
		if p.leaveLine() {
			continue
		}
		waiting = append(waiting, p)
	}
	clear(c.line[len(waiting):])
	c.line = waiting
	c.round(now)
	c.ahead.turn(now, &c.allowed, c.begin)
	return len(c.line) > 0 || len(c.ahead.pools) > 0
}

// round lets the pools in the line take turns, each of them with one connection, until
// none needs more or the allowance is used up. Hosts that have no connection yet come
// first. In the next turn it goes on behind the last one of the others.
func (c *connector) round(now time.Time) {
	all := c.allowed
	c.allowed.More, c.allowed.IfCalm = 0, 0
	for _, p := range c.line {
		if c.allowed.First <= 0 {
			break
		}
		c.serve(p, now)
	}
	c.allowed.More, c.allowed.IfCalm = all.More, all.IfCalm
	last := -1
	for served := true; served; {
		served = false
		for i, p := range c.line {
			if c.allowed.More <= 0 && c.allowed.IfCalm <= 0 {
				break
			}
			if c.serve(p, now) {
				served, last = true, i
			}
		}
	}
	if last >= 0 {
		c.line = append(c.line[last+1:len(c.line):len(c.line)], c.line[:last+1]...)
	}
}
