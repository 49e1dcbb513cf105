package api

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

// Members knows the servers on the database.
type Members interface {
	Cluster(ctx context.Context) view.Cluster
	// SetDraining begins or ends a time in which this server gives its shards to others, if it has this
	// name, and returns it as it is then.
	SetDraining(ctx context.Context, name string, drains bool) (view.Node, error)
}

// clusterRoutes show the servers on the database.
type clusterRoutes struct {
	members Members
	changes store.Changes
	trail   *trail
	log     *slog.Logger
}

func (h *clusterRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "get-cluster", Method: http.MethodGet, Path: "/cluster", Tags: []string{"Observability"},
		Summary: "Show the servers on the database",
		Description: "The servers that share the database and its jobs, as the server that is asked has seen them " +
			"last, at most a second ago; beside a database of files it is the only one. A key that is confined to a " +
			"namespace gets 403.",
	}, h.cluster)
	register(rt, huma.Operation{
		OperationID: "drain-node", Method: http.MethodPost, Path: "/cluster/nodes/{name}/drain",
		Tags: []string{"Observability"}, Summary: "Let other servers fire the jobs of one",
		Description: "The server gives its shards to others, a few at a time, and fires no jobs until it is resumed " +
			"or starts again. It goes on to answer requests. Any server takes the request; it is sent on to the one " +
			"that it names. One that drains already stays as it is. The only one that fires jobs refuses (409), as " +
			"does one with a database of files. 503: the server has not answered; the request may be repeated. For " +
			"admins.",
	}, h.setDraining(true), kindNotFound, kindConflict, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "resume-node", Method: http.MethodPost, Path: "/cluster/nodes/{name}/resume",
		Tags: []string{"Observability"}, Summary: "Let a server fire jobs again that was drained",
		Description: "It gets its share of the shards after 10 s in which no other server comes, goes, drains or is " +
			"resumed. One that does not drain stays as it is. For admins.",
	}, h.setDraining(false), kindNotFound, kindConflict, kindUnavailable)
}

type nodeInput struct {
	Name string `path:"name" maxLength:"200" doc:"The name of the server, as GET /cluster has it." example:"west-1"`
}

type nodeOutput struct{ Body nodeBody }

func (h *clusterRoutes) setDraining(drains bool) func(context.Context, *nodeInput) (*nodeOutput, error) {
	return func(ctx context.Context, in *nodeInput) (*nodeOutput, error) {
		if err := checkNodeName(in.Name); err != nil {
			return nil, err
		}
		n, err := h.members.SetDraining(ctx, in.Name, drains)
		if err != nil {
			return nil, err
		}
		by := visitorOf(ctx).author
		h.log.LogAttrs(ctx, slog.LevelInfo, "somebody has set whether this server drains",
			slog.Bool("draining", drains), slog.String("key", by.Key), slog.String("name", by.Name))
		action := domain.ActionNodeResume
		if drains {
			action = domain.ActionNodeDrain
		}
		entry := h.trail.changeBy(ctx, action)
		entry.Detail = in.Name
		if err := h.changes.Add(ctx, entry); err != nil { // it is done, and may be repeated
			return nil, store.Coded(err)
		}
		return &nodeOutput{nodeBodyOf(&n)}, nil
	}
}

type clusterOutput struct{ Body clusterBody }

type clusterBody struct {
	Nodes    []nodeBody   `json:"nodes" nullable:"false" doc:"The servers, by name."`
	Shards   shardsBody   `json:"shards" doc:"The parts into which the jobs are divided. Each is fired by one server."`
	Database databaseBody `json:"database" doc:"The database, as this server sees it."`
}

type nodeBody struct {
	Name     string    `json:"name" doc:"BELFRY_NODE_NAME, or the name of the machine with the port." example:"east-1"`
	Address  string    `json:"address" doc:"Where other servers reach it; empty: they cannot." example:"http://10.0.0.7:3000"`
	Role     string    `json:"role" enum:"all,api,scheduler" doc:"all: it fires jobs and answers clients. api: it fires none. scheduler: it answers no clients." example:"all"`
	Version  string    `json:"version" doc:"Of Belfry." example:"1.2.3"`
	State    string    `json:"state" enum:"active,draining,gone" doc:"active: it is there. draining: it gives its shards to others and fires no jobs, because it stops, was asked to, or something bars it (see its health). gone: it has not been seen for 7 s, and others take its shards over." example:"active"`
	Self     bool      `json:"self" doc:"Whether it is the server that answers." example:"true"`
	SeenAgo  int64     `json:"seenAgoMs" doc:"For how long it has not been seen, in milliseconds: it is seen once a second." example:"420"`
	Shards   int       `json:"shards" doc:"How many shards it owns." example:"32"`
	Load     *loadBody `json:"load,omitempty" doc:"What it does; absent: it fires no jobs, or has not answered within a second."`
	Protocol *int      `json:"protocol" doc:"The highest protocol between servers that it speaks; null: the database is files." example:"1"`
	Differs  []string  `json:"differingSettings" nullable:"false" doc:"The parts of its settings that are not those of the server that answers, and should be: see docs/cluster.md." example:"[\"retention\"]"`
	Lag      *int64    `json:"watermarkLagMs" doc:"How far its record is behind, in milliseconds: everything that was due before has its outcome on record. null: it owns no shard." example:"380"`
}

type loadBody struct {
	FiresPerSecond float64    `json:"firesPerSecond" doc:"Fires whose first attempt is on record, a second, over ten seconds." example:"1250.4"`
	Drift          *driftBody `json:"driftMs,omitempty" doc:"How late first attempts began, in the last minute; absent: there were none."`
	InFlight       int        `json:"inFlight" doc:"Calls under way." example:"12"`
	Queued         int        `json:"queued" doc:"Fires that are due and wait for a slot." example:"0"`
}

type driftBody struct {
	P50 int64 `json:"p50" doc:"Half of them began no later, in milliseconds." example:"1"`
	P99 int64 `json:"p99" doc:"99 of 100 began no later, in milliseconds; off by 6 % at most." example:"9"`
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
	Protocol    *int     `json:"protocol" doc:"The protocol between servers that all of them speak; null: it is a file." example:"1"`
	Replication *string  `json:"replication" enum:"synchronous,asynchronous" doc:"synchronous: a commit waits for a standby. asynchronous: it does not, whether there is one or not. null: it is a file, or it is not known." example:"asynchronous"`
}

func (h *clusterRoutes) cluster(ctx context.Context, _ *struct{}) (*clusterOutput, error) {
	c := h.members.Cluster(ctx)
	out := &clusterOutput{clusterBody{
		Nodes:  make([]nodeBody, len(c.Nodes)),
		Shards: shardsBody{c.Shards.Total, c.Shards.Owned, c.Shards.Free, c.Shards.Moving},
		Database: databaseBody{c.Database.Kind, c.Database.LatencyMs, c.Database.ClockAheadMs,
			unlessZero(c.Database.Protocol), unlessZero(c.Database.Replication)},
	}}
	for i := range c.Nodes {
		out.Body.Nodes[i] = nodeBodyOf(&c.Nodes[i])
	}
	return out, nil
}

func nodeBodyOf(n *view.Node) nodeBody {
	b := nodeBody{
		Name: n.Name, Address: n.Address, Role: n.Role, Version: n.Version, State: n.State, Self: n.Self,
		SeenAgo: n.SeenMs, Shards: n.Shards, Lag: n.LagMs, Protocol: unlessZero(n.Protocol),
		Differs: append([]string{}, n.Differs...),
	}
	if l := n.Load; l != nil {
		b.Load = &loadBody{FiresPerSecond: l.FiresPerSecond, InFlight: l.InFlight, Queued: l.Queued}
		if l.DriftP50Ms != nil && l.DriftP99Ms != nil {
			b.Load.Drift = &driftBody{*l.DriftP50Ms, *l.DriftP99Ms}
		}
	}
	return b
}
