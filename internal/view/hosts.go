package view

import (
	"cmp"
	"context"
	"slices"
)

// Hosts tells what is known of the hosts that jobs call.
type Hosts interface {
	// Hosts returns each host once, in any order. The list is the caller's.
	Hosts() []Host
}

// Host is what is known of one host (scheme, name, port). What is not known is zero.
type Host struct {
	Name       string // scheme://name:port
	State      string // as package host names it, or HostIdle
	Limit      int    // calls that it may have at a time; zero: it has nothing to do
	Worth      int    // connections that it is worth; zero: it has nothing to do
	Calls      int    // in flight
	Queued     int    // fires that wait for a slot, one by one
	Overdue    int    // of those, the ones that wait behind fires that came due later
	Spans      int    // ranges of fires that wait beside them
	Recent     int64  // calls that ended in this minute and the one before
	Unanswered int    // connections that were begun since it last answered
	Refused    int    // of those: that failed at once

	Connections Connections
	Handshakes  *Handshakes // nil: it is not https

	QuickestMs, UsualMs float64 // time of calls at the target

	LastError *HostError // nil: no call has failed

	Certificate *Certificate // nil: none was seen
}

// HostError is why the last call that failed did.
type HostError struct {
	Text string // as the execution has it
	At   int64  // Unix milliseconds
}

// HostIdle is the state of a host of which only the certificate is known: it was not called
// of late.
const HostIdle = "idle"

// Connections are those to a host.
type Connections struct {
	Open    int // in use and idle
	Idle    int
	Opening int
	Waiting int // calls that have a slot and wait for a connection
	HTTP2   int // of those that are open: that carry several calls at a time
	Streams int // calls that those have
}

// Handshakes are the TLS handshakes with a host that ended, since it is known.
type Handshakes struct {
	Full, Resumed, Failed int64
	Window                int // how many may be under way
}

// Certificate is what the last handshake showed of a host's certificate.
type Certificate struct {
	Subject, Issuer     string
	Names               []string // the first few for which it is valid
	MoreNames           int
	NotBefore, NotAfter int64 // Unix milliseconds
	Expires             int64 // when the first certificate of the chain does: NotAfter, or sooner
	SeenAt              int64
	Verified            bool
	Reason              string // why it is not
	Version             string // of TLS
}

// HostOrder is how hosts are sorted.
type HostOrder int

// The orders.
const (
	ByActivity    HostOrder = iota // most going on first
	ByCertificate                  // first to expire first; those without a certificate last
)

// HostQuery selects hosts.
type HostQuery struct {
	Name  string // the only one; empty: all
	Order HostOrder
	Limit int
}

// Hosts returns hosts, and how many the query selects without its limit.
func (v *View) Hosts(ctx context.Context, q HostQuery) (found []Host, total int) {
	if v.hosts == nil {
		return nil, 0
	}
	all := v.hosts.Hosts()
	if v.others != nil {
		elsewhere, missing := v.others.Hosts(ctx)
		notePartial(ctx, missing)
		all = mergeHosts(append(elsewhere, all))
	}
	return SelectHosts(all, q)
}

// mergeHosts returns each host once: its calls and connections from all nodes, and of its state what
// is worst.
func mergeHosts(lists [][]Host) []Host {
	places := make(map[string]int)
	var all []Host
	for _, list := range lists {
		for i := range list {
			at, known := places[list[i].Name]
			if !known {
				places[list[i].Name] = len(all)
				all = append(all, list[i])
				continue
			}
			all[at].join(&list[i])
		}
	}
	return all
}

// states are the states of a host as package host names them, the worst first.
var states = []string{"silent", "refusing", "hanging", "connecting", "answering", HostIdle}

// join adds what another node knows of a host.
func (h *Host) join(o *Host) {
	if slices.Index(states, o.State) < slices.Index(states, h.State) {
		h.State = o.State
	}
	h.Limit, h.Worth = h.Limit+o.Limit, h.Worth+o.Worth
	h.Calls, h.Queued, h.Overdue, h.Spans = h.Calls+o.Calls, h.Queued+o.Queued, h.Overdue+o.Overdue, h.Spans+o.Spans
	h.Recent, h.Unanswered, h.Refused = h.Recent+o.Recent, h.Unanswered+o.Unanswered, h.Refused+o.Refused
	a, b := &h.Connections, &o.Connections
	a.Open, a.Idle, a.Opening = a.Open+b.Open, a.Idle+b.Idle, a.Opening+b.Opening
	a.Waiting, a.HTTP2, a.Streams = a.Waiting+b.Waiting, a.HTTP2+b.HTTP2, a.Streams+b.Streams
	h.Handshakes = joinHandshakes(h.Handshakes, o.Handshakes)
	if h.QuickestMs == 0 || o.QuickestMs != 0 && o.QuickestMs < h.QuickestMs {
		h.QuickestMs = o.QuickestMs
	}
	h.UsualMs = max(h.UsualMs, o.UsualMs)
	if o.LastError != nil && (h.LastError == nil || o.LastError.At > h.LastError.At) {
		h.LastError = o.LastError
	}
	if o.Certificate != nil && (h.Certificate == nil || o.Certificate.SeenAt > h.Certificate.SeenAt) {
		h.Certificate = o.Certificate
	}
}

func joinHandshakes(a, b *Handshakes) *Handshakes {
	if a == nil || b == nil {
		return cmp.Or(a, b)
	}
	return &Handshakes{Full: a.Full + b.Full, Resumed: a.Resumed + b.Resumed, Failed: a.Failed + b.Failed,
		Window: a.Window + b.Window}
}

// SelectHosts is [View.Hosts] of a list, which it sorts and cuts.
func SelectHosts(all []Host, q HostQuery) (found []Host, total int) {
	if q.Name != "" {
		all = slices.DeleteFunc(all, func(h Host) bool { return h.Name != q.Name })
	}
	compare := compareActivity
	if q.Order == ByCertificate {
		compare = compareCertificates
	}
	slices.SortFunc(all, compare)
	return all[:min(len(all), q.Limit)], len(all)
}

// compareActivity orders hosts by what goes on: calls that are in flight, wait for a slot
// or are a part of a range; then calls of late. A call that waits for a connection is one
// in flight.
func compareActivity(a, b Host) int {
	return cmp.Or(
		cmp.Compare(b.activity(), a.activity()),
		cmp.Compare(b.Connections.Waiting, a.Connections.Waiting),
		cmp.Compare(b.Recent, a.Recent),
		cmp.Compare(a.Name, b.Name))
}

func (h *Host) activity() int { return h.Calls + h.Queued + h.Spans }

func compareCertificates(a, b Host) int {
	switch {
	case a.Certificate == nil && b.Certificate == nil:
		return compareActivity(a, b)
	case a.Certificate == nil:
		return 1
	case b.Certificate == nil:
		return -1
	}
	return cmp.Or(cmp.Compare(a.Certificate.Expires, b.Certificate.Expires), cmp.Compare(a.Name, b.Name))
}
