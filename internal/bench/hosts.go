package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"time"
)

// HostsConfig says what TLS measures.
type HostsConfig struct {
	Parts           []string // some of HostsParts
	Schemes         []string // http, https
	Hosts           []int    // numbers of hosts, each measured separately
	Seconds         int      // for each rate
	WarmSeconds     int      // before them
	From            int      // jobs each second to begin the search with; zero: seven tenths of the bare loop's rate
	Steps           int      // rates that are tried at most
	Tries           int      // of a rate that is not sustained
	Jobs            []int    // due together; none: half of the sustained rate
	Sustained       int      // rate to take as sustained; zero: what the search finds
	OverloadSeconds int
	BusySeconds     int
	NamesSeconds    int
	OverloadHosts   []int // numbers of hosts whose overload is measured
	HTTP1           bool  // the receiver does not offer HTTP/2
}

// HostsRun is what was measured with one number of hosts.
type HostsRun struct {
	Scheme     string           `json:"scheme"`
	Hosts      int              `json:"hosts"`
	Bare       *HostsBare       `json:"bare,omitempty"`
	Throughput *HostsThroughput `json:"throughput,omitempty"`
	Drift      []Burst          `json:"drift,omitempty"`
	Cold       []Burst          `json:"cold,omitempty"`
	Overload   []Overload       `json:"overload,omitempty"`
	Memory     *HostsMemory     `json:"memory,omitempty"`
	Names      *HostsNames      `json:"names,omitempty"`
	Faults     []string         `json:"faults,omitempty"` // parts that could not be measured, and why
}

// HostsBare is the limit of the machine for calls to these hosts.
type HostsBare struct {
	HTTP1 Bare `json:"http1"` // fasthttp
	HTTP2 Bare `json:"http2"` // net/http; zero: the receiver does not offer it

	// HandshakesPerSecond are new connections, with TLS full handshakes, by a client that
	// only opens them.
	HandshakesPerSecond float64 `json:"handshakesPerSecond"`
	LoneMs              float64 `json:"loneMs"` // a call while there is no other one
}

// best is the rate of the better loop.
func (b *HostsBare) best() float64 { return max(b.HTTP1.PerSecond, b.HTTP2.PerSecond) }

// hostsRun is a measurement with one number of hosts.
type hostsRun struct {
	env     *environment
	cfg     HostsConfig
	out     *HostsRun
	targets []string
	setting []string // of the servers
}

// listen starts a receiver with a port for each host, and one more for its counters, so
// that its connections can be told from those of the server.
func (r *hostsRun) listen(ctx context.Context) (err error) {
	n := r.out.Hosts + 1
	flags := []string{"--quiet", "--ports", strconv.Itoa(n)}
	e := r.env
	if r.out.Scheme == "https" {
		if !r.cfg.HTTP1 {
			flags = append(flags, "--http2")
		}
		caFile := filepath.Join(e.folder, "receiver.pem")
		e.receiver, err = startSecure(ctx, e.cfg.Binary, caFile, flags...)
		r.setting = []string{"BELFRY_EGRESS_CA_FILE=" + caFile}
	} else {
		e.receiver, err = startReceiver(ctx, e.cfg.Binary, flags...)
	}
	if err != nil {
		return err
	}
	all, err := e.receiver.addresses(ctx, n)
	if err != nil {
		return errors.Join(err, e.receiver.stop())
	}
	r.targets = all[1:n]
	return nil
}

// say reports progress.
func (r *hostsRun) say(format string, args ...any) {
	r.env.say("%s, %d hosts: %s", r.out.Scheme, r.out.Hosts, fmt.Sprintf(format, args...))
}

// world starts a server.
func (r *hostsRun) world(ctx context.Context, setting ...string) (*world, error) {
	return r.env.world(ctx, worldConfig{env: slices.Concat(r.setting, setting)})
}

// hostsLead is the lead of a burst here. It is shorter than the usual one, because there
// are many bursts.
const hostsLead = 1500 * time.Millisecond
