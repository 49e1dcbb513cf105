package bench

import (
	"fmt"
	"strings"
	"time"
)

// hostsTables returns the tables of the measurement with many hosts.
func (r *Report) hostsTables() (all []table) {
	for _, of := range []func([]HostsRun) table{
		hostsBareTable, hostsThroughputTable, hostsDriftTable, hostsColdTable, overloadTable, hostsMemoryTable,
		hostsNamesTable, hostsFaultsTable,
	} {
		if t := of(r.TLS); len(t.rows) > 1 {
			all = append(all, t)
		}
	}
	return all
}

func (r HostsRun) label() string { return fmt.Sprintf("%s x %d", r.Scheme, r.Hosts) }

func hostsBareTable(runs []HostsRun) table {
	t := table{title: "Hosts: what the machine does without a scheduler"}
	t.add("", "HTTP/1.1 a second", "CPU us each", "and of the receiver", "HTTP/2 a second", "CPU us each",
		"and of the receiver", "new connections a second", "lone call ms")
	for _, r := range runs {
		if b := r.Bare; b != nil {
			t.add(r.label(), int(b.HTTP1.PerSecond), b.HTTP1.CPUMicros, b.HTTP1.ReceiverMicros, int(b.HTTP2.PerSecond),
				b.HTTP2.CPUMicros, b.HTTP2.ReceiverMicros, int(b.HandshakesPerSecond), fmt.Sprintf("%.2f", b.LoneMs))
		}
	}
	return t
}

func hostsThroughputTable(runs []HostsRun) table {
	t := table{title: "Hosts: jobs that are due at every second, every result durable"}
	t.add("", "sustained", "/ better bare loop", "p99 ms", "CPU us each", "and of the receiver", "connections",
		"handshakes", "by HTTP/2", "not sustained", "p99 ms", "missing", "connections")
	for _, r := range runs {
		if p := r.Throughput; p != nil {
			s, f := p.Sustained, p.Failed
			t.add(r.label(), s.Jobs, fmt.Sprintf("%.2f", p.Ratio), s.Lateness.P99, s.CPUMicros, s.ReceiverMicros,
				s.Connections.Most, s.Handshakes.Begun, s.HTTP2, f.Jobs, f.Lateness.P99, f.Missing, f.Connections.Most)
		}
	}
	return t
}

func hostsDriftTable(runs []HostsRun) table {
	t := table{title: "Hosts: from the instant to the receipt with open connections, ms; connections of all hosts"}
	t.add("", "due each second", "spread", "p50", "p99", "max", "last of a second", "x N / bare loop", "missing",
		"CPU us each", "connections", "at the end", "most of a host", "by Little's law", "goal",
		"full handshakes", "resumed", "by HTTP/2")
	for _, r := range runs {
		for _, d := range r.Drift {
			last, ofBare, little, goal := any(""), any(""), any(""), any("")
			if d.JitterMs == 0 && d.BarePerSecond > 0 {
				last, ofBare = d.Lateness.LastOfSecond, fmt.Sprintf("%.2f", d.OfBare())
			}
			if r.Bare != nil {
				n := littleConnections(float64(d.Jobs), r.Hosts, r.Bare.LoneMs)
				little, goal = fmt.Sprintf("%.2f", n), mostConnections(n)
			}
			t.add(r.label(), d.Jobs, time.Duration(d.JitterMs)*time.Millisecond, d.Lateness.P50, d.Lateness.P99,
				d.Lateness.Max, last, ofBare, d.Missing, d.CPUMicros, d.Connections.Most, d.Connections.Open,
				d.Connections.MostPerPort, little, goal, d.Handshakes.Full, d.Handshakes.Resumed, d.HTTP2)
		}
	}
	return t
}

func hostsColdTable(runs []HostsRun) table {
	t := table{title: "Hosts: the first second of a server, ms"}
	t.add("", "due", "p50", "p99", "last arrives", "N / bare loop + handshakes", "factor", "missing", "connections",
		"most of a host", "full handshakes", "resumed")
	for _, r := range runs {
		for _, d := range r.Cold {
			least, factor := any(""), any("")
			if r.Bare != nil {
				ms := coldLeastMs(d, r.Hosts, r.Bare)
				least, factor = ms, fmt.Sprintf("%.2f", d.Lateness.Max/ms)
			}
			t.add(r.label(), d.Jobs, d.Lateness.P50, d.Lateness.P99, d.Lateness.Max, least, factor, d.Missing,
				d.Connections.Most, d.Connections.MostPerPort, d.Handshakes.Full, d.Handshakes.Resumed)
		}
	}
	return t
}

func overloadTable(runs []HostsRun) table {
	t := table{title: "Hosts: overload, then half of the sustained rate; spread over the second"}
	t.add("", "sustained", "due each second", "for", "processor", "goodput", "slowest second", "/ best",
		"late at the end", "new fires on time after", "all on time after", "goodput until then",
		"least for the late ones",
		"measured",
		"connections", "at the end")
	seconds := func(ms int64) string {
		if ms < 0 {
			return "never"
		}
		return fmt.Sprintf("%.1f s", float64(ms)/1000)
	}
	for _, r := range runs {
		for _, o := range r.Overload {
			t.add(r.label(), o.Sustained, o.Rate, fmt.Sprintf("%d s", o.Seconds), fmt.Sprintf("%.0f %%", 100*o.Share),
				int(o.Goodput), int(o.Slowest), fmt.Sprintf("%.2f", o.OfBest), o.Late,
				seconds(o.NewFireMs), seconds(o.OnTimeMs), int(o.AfterGoodput), seconds(o.LeastMs),
				seconds(o.MeasureMs), o.Connections.Most, o.Connections.Open)
		}
	}
	return t
}

func hostsMemoryTable(runs []HostsRun) table {
	t := table{title: "Hosts: live heap and stacks of the server, bytes"}
	t.add("", "a host that is called", "connections", "each further connection", "up to")
	for _, r := range runs {
		if m := r.Memory; m != nil {
			each := any("")
			if m.BytesPerConnection > 0 {
				each = m.BytesPerConnection
			}
			t.add(r.label(), m.BytesPerCalledHost, m.CalledConnections, each, m.Connections)
		}
	}
	return t
}

func hostsNamesTable(runs []HostsRun) table {
	t := table{title: "Hosts: a name for each, from the instant to the receipt, spread over the second, ms"}
	t.add("", "", "answer of the name server", "TTL", "due each second", "seconds", "p50", "p99", "max",
		"missing", "lookups")
	for _, r := range runs {
		n := r.Names
		if n == nil {
			continue
		}
		add := func(when string, b Burst, names bool, lookups int64) {
			delay, ttl := any("by address"), any("")
			if names {
				delay, ttl = fmt.Sprintf("%d ms", n.DelayMs), fmt.Sprintf("%d s", n.TTLSeconds)
			}
			t.add(r.label(), when, delay, ttl, b.Jobs, b.Seconds, b.Lateness.P50, b.Lateness.P99,
				b.Lateness.Max, b.Missing,
				lookups)
		}
		add("first second", n.FirstPlain, false, 0)
		add("first second", n.First, true, n.FirstLookups)
		add("later", n.Plain, false, 0)
		add("later", n.Known, true, n.Lookups)
	}
	return t
}

func hostsFaultsTable(runs []HostsRun) table {
	t := table{title: "Hosts: what could not be measured"}
	t.add("", "")
	for _, r := range runs {
		for _, fault := range r.Faults {
			t.add(r.label(), strings.ReplaceAll(fault, "\n", "; "))
		}
	}
	return t
}
