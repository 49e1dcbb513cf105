package cluster

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// quickly is how often a node looks while shards move, so that they are without an owner for a
	// short time only.
	quickly = 200 * time.Millisecond
	// announced is how long a node goes on after it has said that it drains: by then the others
	// look quickly.
	announced = 1_200 * time.Millisecond
	// lookTimeout bounds a look.
	lookTimeout = 3 * time.Second
	// unseen is after how long without a look a node reports that it does not know the others.
	unseen = 10 * time.Second
	// unownedFor is after how long shards without an owner are reported.
	unownedFor = 15 * time.Second
)

// Protocol is the highest number of what nodes do with each other and with the database that this
// build speaks, and it speaks all before it. It is one more whenever nodes of a build before would not
// understand what a node writes or asks; until every node speaks it, nothing of it may be used.
//
//	1 all before
//	2 what is said of a pause: options of a version, and of an operation on many jobs
const (
	Protocol       = 2
	ProtocolPauses = 2
)

// Owner owns shards on behalf of this process: an engine.Share.
type Owner interface {
	// Node returns the random number of this process.
	Node() int64
	// Own takes shards over, and returns those that it got. It may take seconds.
	Own(ctx context.Context, claims []store.Claim) ([]int, error)
	// Release gives shards back in good order.
	Release(ctx context.Context, numbers []int) error
	// Owned returns the shards that it has.
	Owned() []int
	// Unfit says why it would not fire as the owners of the other shards do; empty: it would. If
	// nobody owns shards it may take them nevertheless.
	Unfit(ctx context.Context) (why string, err error)
}

// Config is what a node is made of.
type Config struct {
	Shards store.Shards
	Nodes  store.Nodes
	Owner  Owner
	Clock  clock.Clock
	// Agreed learns of the store's clock with each look; nil: nothing does.
	Agreed *clock.Agreed
	Log    *slog.Logger
	// Self is the row of this node. Its token is that of Owner. Its Protocol is [Protocol], if it is zero.
	Self store.Node
	// Settings are those that must be the same at all nodes, as they are now; nil: they are not compared.
	Settings func() Fingerprint
}

// Node is this process as one of a cluster. Make one with New, and let it Run.
type Node struct {
	Config
	observer Observer
	holdings holdings
	view     atomic.Pointer[View]
	wake     chan struct{}

	taken, given atomic.Int64 // shards, since the start

	lastLook clock.Mark
	settings string     // as they were when it was last asked for them
	fitAt    clock.Mark // when it was last asked whether this node is fit
	released int64      // the second of the store's clock in which shards were released

	mu       sync.Mutex
	draining *clock.Mark // since when; nil: it does not drain
	leaving  bool        // it drains because its process is about to end
	busy     bool        // shards are being claimed or released
	fault    error       // of the last look, or of the last claim
	claimed  error       // of the last claim
	unowned  clock.Mark  // since when there are shards without an owner
	acting   sync.WaitGroup
}

// New makes a node. The error is about the config.
func New(c Config) (*Node, error) {
	if c.Shards == nil || c.Nodes == nil || c.Owner == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("cluster: Shards, Nodes, Owner, Clock and Log are required")
	}
	c.Self.Token, c.Self.Protocol = c.Owner.Node(), cmp.Or(c.Self.Protocol, Protocol)
	n := &Node{Config: c, wake: make(chan struct{}, 1), unowned: c.Clock.Mark(), lastLook: c.Clock.Mark()}
	n.view.Store(&View{Self: c.Self.Token, At: c.Clock.Mark()})
	return n, nil
}

// View returns what the node knew of the cluster at its last look.
func (n *Node) View() *View { return n.view.Load() }

// Owns reports whether this node owned a shard at its last look.
func (n *Node) Owns(shard int) bool {
	owner, found := n.View().OwnerOf(shard)
	return found && owner.Token == n.Self.Token
}

// Moves returns how many shards this node has taken, and given to others, since its start.
func (n *Node) Moves() (taken, given int64) { return n.taken.Load(), n.given.Load() }

// Leave removes the row of this node, after everything has ended that it has begun: others take
// over what it has not ended.
func (n *Node) Leave(ctx context.Context) error { return n.Nodes.Remove(ctx, n.Self.Token) }

// wakeUp makes the node look now.
func (n *Node) wakeUp() {
	select {
	case n.wake <- struct{}{}:
	default: // it is told already
	}
}

func outdated(number, own int) string {
	return fmt.Sprintf("the servers on the database speak protocol %d, and this build speaks no higher one than %d",
		number, own)
}

// Check tells what the cluster lacks for all jobs to be fired.
func (n *Node) Check() domain.Check {
	v := n.View()
	n.mu.Lock()
	fault, unowned, asked := n.fault, n.Clock.Elapsed(n.unowned), n.draining != nil && !n.leaving
	n.mu.Unlock()
	c := domain.Check{Name: "cluster", OK: true}
	switch blind := n.Clock.Elapsed(v.At); {
	case blind > unseen:
		c.Warning = fmt.Sprintf("this node has not seen the others for %s", blind.Round(time.Second))
	case fault != nil:
		c.Warning = fault.Error()
	case v.Agreement == clock.Off:
		c.Warning = fmt.Sprintf("the clock of this machine is %s apart from the database's: it owns no shards",
			v.Ahead.Abs().Round(time.Millisecond))
	case v.Protocol > n.Self.Protocol:
		c.Warning = outdated(v.Protocol, n.Self.Protocol) + ": it owns no shards"
	case v.Unfit != "":
		c.Warning = v.Unfit + ": this server fires no jobs until no other one does"
	case v.Schedulers() == 0 && v.Unowned() > 0:
		c.Warning = "no node of the cluster fires jobs"
	case v.Unowned() > 0 && unowned > unownedFor:
		c.Warning = fmt.Sprintf("%d of %d shards have had no owner for %s", v.Unowned(), len(v.Shards),
			unowned.Round(time.Second))
	case asked:
		c.Warning = "this server drains: it fires no jobs until it is resumed or starts again"
	default:
		c.Warning = v.Unlike
	}
	return c
}
