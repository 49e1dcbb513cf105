package executor

import "github.com/belfry-scheduler/belfry/internal/target"

// HostState is the connections to one host, of all pools that it has.
type HostState struct {
	Key     target.Host
	Open    int // in use and idle
	Idle    int // of those that are open
	Opening int // under way
}

// Hosts returns the connections to each host to which there are any, or were within the
// last minute.
func (x *Executor) Hosts() []HostState {
	pools := x.pools.list()
	places := make(map[target.Host]int, len(pools))
	out := make([]HostState, 0, len(pools))
	for _, p := range pools {
		i, there := places[p.host]
		if !there {
			i = len(out)
			places[p.host], out = i, append(out, HostState{Key: p.host})
		}
		open, idle, opening := p.counts()
		out[i].Open += open
		out[i].Idle += idle
		out[i].Opening += opening
	}
	return out
}
