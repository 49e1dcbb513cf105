package client

import (
	"context"
	"net/http"
)

// Cluster is what a server knows of the servers on its database.
type Cluster struct {
	Nodes    []Node   `json:"nodes"` // by name
	Shards   Shards   `json:"shards"`
	Database Database `json:"database"`
}

// Node is one server.
type Node struct {
	Name           string `json:"name"`
	Address        string `json:"address"` // where other servers reach it
	Role           string `json:"role"`    // all, api or scheduler
	Version        string `json:"version"`
	State          string `json:"state"`     // active, draining or gone
	Self           bool   `json:"self"`      // it has answered
	SeenAgoMs      int64  `json:"seenAgoMs"` // for how long it has not been seen
	Shards         int    `json:"shards"`    // that it owns
	WatermarkLagMs *int64 `json:"watermarkLagMs"`

	Load              *Load    `json:"load"`              // nil: it fires no jobs, or has not answered
	Protocol          *int     `json:"protocol"`          // the highest that it speaks
	DifferingSettings []string `json:"differingSettings"` // from those of the server that has answered
}

// Load is what a server does.
type Load struct {
	FiresPerSecond float64 `json:"firesPerSecond"` // over ten seconds
	DriftMs        *Drift  `json:"driftMs"`        // of the last minute; nil: nothing was sent
	InFlight       int     `json:"inFlight"`       // calls
	Queued         int     `json:"queued"`         // fires that wait for a slot
}

// Drift has quantiles of how late first attempts began, in milliseconds.
type Drift struct {
	P50 int64 `json:"p50"`
	P99 int64 `json:"p99"`
}

// Shards are how many there are.
type Shards struct {
	Total  int `json:"total"`
	Owned  int `json:"owned"`
	Free   int `json:"free"`
	Moving int `json:"moving"` // of servers that are gone
}

// Database is the database as the server sees it.
type Database struct {
	Kind         string   `json:"kind"` // sqlite or postgresql
	LatencyMs    *float64 `json:"latencyMs"`
	ClockAheadMs *float64 `json:"clockAheadMs"`
	Protocol     *int     `json:"protocol"`    // between servers, that all speak
	Replication  *string  `json:"replication"` // synchronous or asynchronous
}

// Cluster returns the servers on the database of the server.
func (c *Client) Cluster(ctx context.Context) (Cluster, error) {
	var out Cluster
	err := c.server.getJSON(ctx, &out, nil, "cluster")
	return out, err
}

// DrainNode lets other servers fire the jobs of the one with a name, until ResumeNode or until it starts
// again, and returns it as it is then. One that drains already stays as it is. The only one that fires jobs
// refuses.
func (c *Client) DrainNode(ctx context.Context, name string) (Node, error) {
	return c.changeNode(ctx, name, "drain")
}

// ResumeNode lets a server fire jobs again that was drained, and returns it as it is then.
func (c *Client) ResumeNode(ctx context.Context, name string) (Node, error) {
	return c.changeNode(ctx, name, "resume")
}

func (c *Client) changeNode(ctx context.Context, name, verb string) (Node, error) {
	var out Node
	err := c.server.exchange(ctx, call{method: http.MethodPost, path: []string{"cluster", "nodes", name, verb}}, nil,
		&out)
	return out, err
}
