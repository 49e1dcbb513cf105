package bench

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

// HostsMemory is what the server holds for hosts and their connections: live heap and stacks.
// Its resident set says less: for minutes it is what the handshakes of the first second have used.
type HostsMemory struct {
	BytesPerCalledHost int64 `json:"bytesPerCalledHost"` // with what connections it has after a call each second
	CalledConnections  int64 `json:"calledConnections"`  // of all hosts then

	// BytesPerConnection is what further calls at the same time cost, with the buffers that they
	// have left in pools, divided by their connections. Zero: they made hardly any, as by HTTP/2.
	BytesPerConnection int64 `json:"bytesPerConnection"`
	Connections        int64 `json:"connections"` // of all hosts then
}

const (
	memoryLimit = 5 * time.Minute
	memoryLead  = 4 * time.Second // for a look at the memory before the first instant

	// The collector of Go runs often with it.
	smallHeap = "GOGC=20"
	// memoryCalls wait at the same time, so that each has a connection by HTTP/1.1. With many
	// hosts there are memoryCallsEach of each.
	memoryCalls     = 2_000
	memoryCallsEach = 3
	memoryDelay     = "/slow?ms=1500"
)

// memory measures the server before and after it has called the hosts: once with a call
// for each, and once with many calls at the same time.
func (r *hostsRun) memory(ctx context.Context) error {
	few, err := r.grown(ctx, burst{jobs: r.out.Hosts, seconds: 3, path: "/ok"})
	if err != nil {
		return err
	}
	many, err := r.grown(ctx, burst{jobs: max(memoryCalls, memoryCallsEach*r.out.Hosts), seconds: 1, path: memoryDelay})
	if err != nil {
		return err
	}
	out := perHost(r.out.Hosts, few, many)
	r.out.Memory = &out
	r.say("%d bytes for a host that is called, with %d connections to all; %d for each further connection up to %d",
		out.BytesPerCalledHost, out.CalledConnections, out.BytesPerConnection, out.Connections)
	return nil
}

// memoryGrowth is by how much the memory of a server grew, and how many connections it had then.
type memoryGrowth struct{ bytes, connections int64 }

// grown makes a burst with a server of its own. What its jobs take is not counted.
func (r *hostsRun) grown(ctx context.Context, m burst) (g memoryGrowth, err error) {
	w, err := r.world(ctx, smallHeap)
	if err != nil {
		return g, err
	}
	defer func() { err = errors.Join(err, w.discard()) }()
	var before int64
	m.targets, m.lead = r.targets, memoryLead
	m.imported = func(ctx context.Context) (err error) {
		before, err = w.liveMemory(ctx)
		return err
	}
	got, err := w.burst(ctx, m)
	if err != nil {
		return g, err
	}
	after, err := w.liveMemory(ctx)
	return memoryGrowth{after - before, got.Connections.Open}, err
}

// perHost compares the memory of hosts with few connections and with many.
func perHost(hosts int, few, many memoryGrowth) HostsMemory {
	out := HostsMemory{
		BytesPerCalledHost: max(0, few.bytes/int64(hosts)), CalledConnections: few.connections,
		Connections: many.connections,
	}
	if extra := many.connections - few.connections; extra > few.connections/2 && many.bytes > few.bytes {
		out.BytesPerConnection = (many.bytes - few.bytes) / extra
	}
	return out
}

const (
	// collections is after how many further ones the live heap is read: the first may have begun
	// before, and what has a finalizer goes with the second.
	collections = 3
	// maxScrapes is how often the metrics are read for that: each reading leaves some 100 KB to
	// collect.
	maxScrapes = 2_000
)

// liveMemory returns the bytes of the live heap, as the last collection of several found it, and
// of the stacks.
func (w *world) liveMemory(ctx context.Context) (int64, error) {
	var last float64
	for n, seen := 0, 0; n < maxScrapes; n++ {
		m, err := w.scrape(ctx)
		if err != nil {
			return 0, err
		}
		if at := m["go_memstats_last_gc_time_seconds"]; at > last {
			last = at
			seen++
		}
		if seen > collections {
			return liveBytes(m), nil
		}
	}
	return 0, errors.New("the collector of the server does not run")
}

// liveBytes computes the live heap from where the next collection begins: GOGC percent beyond
// it and the stacks.
func liveBytes(m map[string]float64) int64 {
	share, stacks := m["go_gc_gogc_percent"]/100, m["go_memstats_stack_inuse_bytes"]
	return int64((m["go_memstats_next_gc_bytes"]-share*stacks)/(1+share) + stacks)
}

// scrape returns the metrics of the server that have no labels.
func (w *world) scrape(ctx context.Context) (map[string]float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, w.server.url+"/metrics", http.NoBody)
	if err != nil {
		return nil, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer res.Body.Close() //nolint:errcheck // read only
	if res.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the server answered %s to a scrape", res.Status)
	}
	all := make(map[string]float64)
	lines := bufio.NewScanner(res.Body)
	for lines.Scan() {
		name, value, ok := strings.Cut(lines.Text(), " ")
		if v, err := strconv.ParseFloat(value, 64); ok && err == nil {
			all[name] = v
		}
	}
	return all, lines.Err()
}
