package view

// Cluster is what a server knows of the servers on its database.
type Cluster struct {
	Nodes    []Node // by name
	Shards   ShardCounts
	Database Database
}

// Node is one server.
type Node struct {
	Name, Address, Role, Version string

	State  string // one of the states below
	Self   bool   // it is the one that was asked
	SeenMs int64  // for how long its row has not changed
	Shards int    // that it owns
	LagMs  *int64 // how far the oldest of their watermarks is behind; nil: it owns none
}

// The states of a server.
const (
	NodeActive   = "active"
	NodeDraining = "draining" // it gives its shards to others
	NodeGone     = "gone"     // it has not been seen for so long that others take its shards
)

// ShardCounts are how many shards there are.
type ShardCounts struct {
	Total  int
	Owned  int // by servers that are there
	Free   int // of nobody
	Moving int // of servers that are gone
}

// Database is the database as a server sees it.
type Database struct {
	Kind         string   // sqlite or postgresql
	LatencyMs    *float64 // of the last look; nil: it is a file
	ClockAheadMs *float64 // how far this machine's clock is ahead of the database's; nil: as above
	Replication  string   // synchronous or asynchronous: whether commits wait for a standby; empty: not known
}
