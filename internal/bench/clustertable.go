package bench

import "slices"

// clusterTables returns what was measured of a cluster.
func (r *Report) clusterTables() (all []table) {
	c := r.Cluster
	if c == nil {
		return nil
	}
	if len(c.Loads) > 0 {
		t := table{title: "Servers that share a database"}
		t.add("servers", "due each second", "p50 ms", "p99 ms", "CPU us each", "of the database", "of the receiver")
		for _, l := range c.Loads {
			t.add(l.Nodes, l.Jobs, l.Lateness.P50, l.Lateness.P99, l.CPUMicros, l.DatabaseMicros, l.ReceiverMicros)
		}
		all = append(all, t)
	}
	ends := c.Ends
	if c.Outage != nil {
		ends = append(slices.Clone(ends), *c.Outage)
	}
	if len(ends) > 0 {
		t := table{title: "When one of three servers ends, or the database is away"}
		t.add("end", "its jobs", "first fire ms", "latest fire ms", "caught up ms", "doubled")
		for _, e := range ends {
			t.add(e.Kind, e.Jobs, e.FirstMs, e.LatestMs, e.CaughtUpMs, e.Doubled)
		}
		all = append(all, t)
	}
	return all
}
