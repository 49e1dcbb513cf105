package executor

import "github.com/belfry-scheduler/belfry/internal/target"

// HostState is the connections to one host, of all pools that it has.
type HostState struct {
	Key     target.Host
	Open    int // in use and idle
	Idle    int // of those that are open
	Opening int // under way
	HTTP2   int // of those that are open: that carry several calls at a time
	Streams int // calls that those have
}

// add adds the connections of a pool.
func (s *HostState) add(p *pool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.Open += p.open - p.opening
	s.Idle += len(p.idle)
	s.Opening += p.opening
	s.HTTP2 += len(p.shared.list)
	for _, c := range p.shared.list {
		busy := c.mux.State().Busy
		s.Streams += busy
		if busy == 0 {
			s.Idle++
		}
	}
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
		out[i].add(p)
	}
	return out
}
