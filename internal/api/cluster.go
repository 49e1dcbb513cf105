package api

import (
	"context"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// Members knows the servers on the database.
type Members interface {
	Cluster(ctx context.Context) view.Cluster
}

// clusterRoutes show the servers on the database.
type clusterRoutes struct{ members Members }

func (h *clusterRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "get-cluster", Method: http.MethodGet, Path: "/cluster", Tags: []string{"Observability"},
		Summary: "Show the servers on the database",
		Description: "The servers that share the database and its jobs, as the server that is asked has seen them " +
			"last, at most a second ago; beside a database of files it is the only one. A key that is confined to a " +
			"namespace gets 403.",
	}, h.cluster)
}

type clusterOutput struct{ Body clusterBody }

type clusterBody struct {
	Nodes    []nodeBody   `json:"nodes" nullable:"false" doc:"The servers, by name."`
	Shards   shardsBody   `json:"shards" doc:"The parts into which the jobs are divided. Each is fired by one server."`
	Database databaseBody `json:"database" doc:"The database, as this server sees it."`
}

type nodeBody struct {
	Name    string `json:"name" doc:"BELFRY_NODE_NAME, or the name of the machine with the port." example:"east-1"`
	Address string `json:"address" doc:"Where other servers reach it; empty: they cannot." example:"http://10.0.0.7:3000"`
	Role    string `json:"role" enum:"all,api,scheduler" doc:"all: it fires jobs and answers clients. api: it fires none. scheduler: it answers no clients." example:"all"`
	Version string `json:"version" doc:"Of Belfry." example:"1.2.3"`
	State   string `json:"state" enum:"active,draining,gone" doc:"active: it is there. draining: it gives its shards to others, and stops. gone: it has not been seen for 7 s, and others take its shards over." example:"active"`
	Self    bool   `json:"self" doc:"Whether it is the server that answers." example:"true"`
	SeenAgo int64  `json:"seenAgoMs" doc:"For how long it has not been seen, in milliseconds: it is seen once a second." example:"420"`
	Shards  int    `json:"shards" doc:"How many shards it owns." example:"32"`
	Lag     *int64 `json:"watermarkLagMs" doc:"How far its record is behind, in milliseconds: everything that was due before has its outcome on record. null: it owns no shard." example:"380"`
}

type shardsBody struct {
	Total  int `json:"total" doc:"How many there are." example:"64"`
	Owned  int `json:"owned" doc:"Those whose server is there." example:"64"`
	Free   int `json:"free" doc:"Those that nobody owns: they were given up in good order." example:"0"`
	Moving int `json:"moving" doc:"Those whose server is gone: another one takes them over." example:"0"`
}

type databaseBody struct {
	Kind        string   `json:"kind" enum:"sqlite,postgresql" doc:"sqlite: files of this server. postgresql: a PostgreSQL database, which servers can share." example:"postgresql"`
	Latency     *float64 `json:"latencyMs" doc:"How long its last answer took, in milliseconds; null: it is a file." example:"0.6"`
	ClockAhead  *float64 `json:"clockAheadMs" doc:"How far the clock of this server's machine is ahead of the database's, in milliseconds; below zero: behind. null: it is a file." example:"1.5"`
	Replication *string  `json:"replication" enum:"synchronous,asynchronous" doc:"synchronous: a commit waits for a standby. asynchronous: it does not, whether there is one or not. null: it is a file, or it is not known." example:"asynchronous"`
}

func (h *clusterRoutes) cluster(ctx context.Context, _ *struct{}) (*clusterOutput, error) {
	c := h.members.Cluster(ctx)
	out := &clusterOutput{clusterBody{
		Nodes:  make([]nodeBody, len(c.Nodes)),
		Shards: shardsBody{c.Shards.Total, c.Shards.Owned, c.Shards.Free, c.Shards.Moving},
		Database: databaseBody{c.Database.Kind, c.Database.LatencyMs, c.Database.ClockAheadMs,
			unlessZero(c.Database.Replication)},
	}}
	for i := range c.Nodes {
		n := &c.Nodes[i]
		out.Body.Nodes[i] = nodeBody{n.Name, n.Address, n.Role, n.Version, n.State, n.Self, n.SeenMs, n.Shards, n.LagMs}
	}
	return out, nil
}
