// Package cluster decides which node owns which shards.
//
// Nobody leads. Each node looks once a second at the rows of the shards and of the nodes, and
// decides for itself what to claim and what to release. The store lets one claim of a shard
// win.
//
//	look ──► Observer: for how long has each row not changed?
//	           │ Situation: who is there, which shards are free, whose owner is gone
//	           ▼
//	         Decide ──► claim: free shards and those of nodes that are gone, up to a fair share
//	           │
//	           └──────► release: what is beyond it, and what belongs to a node that is back
//
// [Node] does this in a process, through its engine, and [View] is what it knows of the others.
//
// # What it guarantees
//
//   - A shard is claimed only if it is free, or if its owner is gone by two clocks: this node
//     has looked often enough for 7 s and seen no beat, and the store's clock has passed the
//     horizon by 4 s. If the store's clock cannot be right, because it was set back, 60 s
//     without a beat are enough. A node that could not look, because it was suspended or cut
//     off, begins to count anew: it must not take the shards of nodes that were fine meanwhile.
//   - A node is taken for gone, so that its calls may be sent again, only if neither its own row nor
//     that of a shard that it owns has changed for 7 s.
//   - A share is a fair one: with n schedulers, each has between the n-th part rounded down
//     and rounded up once nothing has changed for a while. Then nothing is moved any more.
//   - Few moves. While nodes come and go nothing is released for 10 s, and then 4 shards a
//     second at most, of one node at a time. A node gives back what it took over from a node that is back, by its
//     name. So a rolling restart moves a shard twice at most: away, and back.
//   - A node that drains, or whose clock is wrong, claims nothing and releases all it has, eight
//     shards at a time: the others read their jobs before the next ones are without an owner.
//   - Somebody may ask a node to drain, and to go on. It goes on when it starts again, too. The only
//     one that fires jobs refuses: nobody would fire them.
//   - A node that would not fire as the others do, because its rules of time zones are different,
//     owns nothing while they own something.
//
// # How this is shown
//
// The decisions are pure functions with truth tables. A property test lets nodes start, stop,
// crash, stand still and drain in random order, and checks after each second that no shard of
// a living owner is claimed, and at the end that every shard has an owner, that shares are
// fair and that nothing moves.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	observer.go decide.go fingerprint.go view.go holdings.go await.go node.go drain.go act.go fit.go run.go
package cluster
