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
	Load   *Load  // nil: it fires no jobs, or has not told

	Protocol int      // the highest that it speaks; zero: it is the only one
	Differs  []string // the parts of its settings that are not those of the server that was asked
}

// Load is what a server does.
type Load struct {
	FiresPerSecond float64
	DriftP50Ms     *int64 // of the last minute; nil: nothing was sent
	DriftP99Ms     *int64
	InFlight       int
	Queued         int
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
	Protocol     int      // that all servers on it speak; zero: it is a file
	Replication  string   // synchronous or asynchronous: whether commits wait for a standby; empty: not known
}
