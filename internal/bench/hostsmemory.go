package bench

import (
	"context"
	"errors"
	"time"
)

// HostsMemory is the memory of the server for hosts and their connections.
type HostsMemory struct {
	BytesPerHost       int64 `json:"bytesPerHost"` // without its connections
	BytesPerConnection int64 `json:"bytesPerConnection"`
	Connections        int64 `json:"connections"` // of which the latter is the mean
}

const (
	memoryLimit = 5 * time.Minute

	// With a small heap more of the resident set is in use.
	smallHeap = "GOGC=20"
	// memoryCalls wait at the same time, so that each has a connection.
	memoryCalls = 2_000
	memoryDelay = "/slow?ms=1500"
)

// memory measures the server before and after it has called the hosts: once with a call
// for each, and once with many calls at the same time.
func (r *hostsRun) memory(ctx context.Context) error {
	hosts, open, err := r.grown(ctx, burst{jobs: r.out.Hosts, seconds: 3, path: "/ok"})
	if err != nil {
		return err
	}
	busy, connections, err := r.grown(ctx, burst{jobs: memoryCalls, seconds: 1, path: memoryDelay})
	if err != nil {
		return err
	}
	out := perHost(r.out.Hosts, hosts, open, busy, connections)
	r.out.Memory = &out
	r.say("%d bytes for a host and %d for each of %d connections", out.BytesPerHost, out.BytesPerConnection,
		out.Connections)
	return nil
}

// grown returns by how much the memory of a server grew in a burst, and how many
// connections it has afterwards.
func (r *hostsRun) grown(ctx context.Context, m burst) (bytes, connections int64, err error) {
	w, err := r.world(ctx, smallHeap)
	if err != nil {
		return 0, 0, err
	}
	defer func() { err = errors.Join(err, w.discard()) }()
	m.targets, m.lead = r.targets, hostsLead
	got, err := w.burst(ctx, m)
	if err != nil {
		return 0, 0, err
	}
	after, err := w.restingMemory(ctx)
	return after - got.atRest, got.Connections.Open, err
}

// perHost solves two equations: the memory of hosts with few connections and with many.
func perHost(hosts int, few, fewConnections, many, manyConnections int64) HostsMemory {
	out := HostsMemory{Connections: manyConnections}
	if extra := manyConnections - fewConnections; extra > 0 {
		out.BytesPerConnection = max(0, (many-few)/extra)
	}
	out.BytesPerHost = max(0, (few-fewConnections*out.BytesPerConnection)/int64(hosts))
	return out
}
