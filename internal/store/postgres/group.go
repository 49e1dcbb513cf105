package postgres

import (
	"context"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// A group is so many calls, or so many bytes of jobs. A call that creates many jobs is one by itself.
const (
	groupCalls = 500
	groupBytes = 4 << 20
	groupJobs  = 100 // of one call
)

// groupWithin bounds the commit of a group, whose callers may give up sooner.
const groupWithin = 10 * time.Second

// creation is one call that creates jobs.
type creation struct {
	ctx   context.Context // of the call: it has its entry, record and leases
	first *domain.Version
	made  []rows.Version // whose instants a creation without the owner replaces
	ahead int64          // of a creation without the owner

	effects []store.Effect // of a creation without the owner
	err     error
	ended   chan struct{}
}

func newCreation(ctx context.Context, versions []domain.Version, made []rows.Version, ahead int64) *creation {
	first := versions[0] // the caller may use its memory again before the group is made
	return &creation{ctx: ctx, first: &first, made: made, ahead: ahead, ended: make(chan struct{})}
}

// single reports whether the call is better not joined to others.
func (c *creation) single() bool {
	_, _, imports := store.ImportOf(c.ctx)
	return imports || len(c.made) > groupJobs
}

func (c *creation) bytes() (n int) {
	for i := range c.made {
		n += len(c.made[i].Body) + len(c.made[i].Headers) + len(c.made[i].Options) + len(c.made[i].API)
	}
	return n
}

// groups joins calls that create jobs: what comes during a commit is made in the next one. A call that comes
// alone waits for nobody.
//
//	call ──commit──┐
//	  call, call, call ──commit──┐
//	           call, call ──commit──┐
//
// A commit costs PostgreSQL the same whatever is in it, and all creations change rows of the same shards.
type groups struct {
	commit func(ctx context.Context, calls []*creation) error
	most   int // calls in a group

	mu      sync.Mutex
	waiting []*creation
	busy    bool
}

// make makes the jobs of a call. An error of PostgreSQL may be about another call of the group: it is to be made
// again alone.
func (g *groups) make(c *creation) error {
	g.mu.Lock()
	g.waiting = append(g.waiting, c)
	begin := !g.busy
	g.busy = true
	g.mu.Unlock()
	if begin {
		go g.run()
	}
	select {
	case <-c.ended:
		return c.err
	case <-c.ctx.Done():
		return c.ctx.Err() // it may be made all the same
	}
}

// run makes what waits, one group after the other, until nothing does.
func (g *groups) run() {
	for calls := g.next(); len(calls) > 0; calls = g.next() {
		ctx, cancel := context.WithTimeout(context.Background(), groupWithin)
		err := g.commit(ctx, calls)
		cancel()
		for _, c := range calls {
			c.err = err
			close(c.ended)
		}
	}
}

// next takes the calls of the next group. Those that have ended meanwhile are left out.
func (g *groups) next() (calls []*creation) {
	g.mu.Lock()
	defer g.mu.Unlock()
	bytes := 0
	for len(g.waiting) > 0 && len(calls) < g.most {
		c := g.waiting[0]
		if bytes += c.bytes(); len(calls) > 0 && (bytes > groupBytes || c.ahead != calls[0].ahead) {
			break
		}
		g.waiting = g.waiting[1:]
		if c.ctx.Err() == nil {
			calls = append(calls, c)
		}
	}
	g.busy = len(calls) > 0
	return calls
}
