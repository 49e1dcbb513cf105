package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/api"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine"
	"github.com/belfry-scheduler/belfry/internal/peer"
	"github.com/belfry-scheduler/belfry/internal/peerview"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// peers are the other servers on the database, as this one reaches them. It implements api.Peers.
type peers struct {
	node      *cluster.Node
	share     engine.Share
	shards    int
	keys      *peer.Keys
	link      *peer.Link
	transport *http.Transport
	clock     clock.Clock
	log       *slog.Logger
}

// openPeers makes what reaches the other servers; nil: there are none.
func openPeers(a *App, clk clock.Clock) (*peers, error) {
	if a.member.node == nil {
		return nil, nil //nolint:nilnil // a server by itself has none
	}
	keys, err := peer.NewKeys(a.store.derive("requests between nodes")...)
	if err != nil {
		return nil, err
	}
	roots, err := peerRoots(a.cfg.TLSCert)
	if err != nil {
		return nil, err
	}
	p := &peers{
		node: a.member.node, share: engine.ShareOf(a.engine), shards: a.store.Shards().Count(), keys: keys,
		clock: clk, log: a.log,
		transport: &http.Transport{
			MaxIdleConnsPerHost: 8, MaxConnsPerHost: peer.DefaultAtOnce, IdleConnTimeout: time.Minute,
			DisableCompression: true, TLSClientConfig: &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		},
	}
	p.link, err = peer.NewLink(peer.LinkConfig{Self: p.node.Self.Name, Keys: keys, Clock: clk, Transport: p.transport})
	a.member.peers = p
	return p, err
}

// peerRoots returns by which certificates other servers are trusted: those of the machine, and that
// of this server, which all may have.
func peerRoots(own string) (*x509.CertPool, error) {
	roots, err := x509.SystemCertPool()
	if err != nil {
		roots = x509.NewCertPool()
	}
	if own == "" {
		return roots, nil
	}
	text, err := os.ReadFile(own)
	if err != nil {
		return nil, fmt.Errorf("reading the certificate of this server: %w", err)
	}
	roots.AppendCertsFromPEM(text)
	return roots, nil
}

// Owner implements api.Peers.
func (p *peers) Owner(job domain.JobID) (owner peer.Node, elsewhere bool) {
	number := job.Shard(p.shards)
	v := p.node.View()
	n, found := v.OwnerOf(number)
	if !found || n.Token == v.Self || n.Address == "" || slices.Contains(p.share.Owned(), number) {
		return peer.Node{}, false
	}
	return nodeOf(&n), true
}

// Node implements api.Peers.
func (p *peers) Node(name string) (n peer.Node, elsewhere bool, err error) {
	v := p.node.View()
	found, err := v.Named(name)
	switch {
	case err != nil, found.Token == v.Self:
		return peer.Node{}, false, err
	case found.Address == "":
		return peer.Node{}, false, domain.Unavailable(nil, "the server %s has no address: set BELFRY_ADVERTISE there",
			name)
	}
	return nodeOf(&found), true, nil
}

func nodeOf(n *cluster.NodeView) peer.Node {
	return peer.Node{Name: n.Name, Token: n.Token, URL: n.Address, Older: n.Protocol < cluster.Protocol}
}

// Others implements peerview.Peers.
func (p *peers) Others() (nodes []peer.Node, unreachable int) {
	v := p.node.View()
	for i := range v.Nodes {
		n := &v.Nodes[i]
		switch {
		case n.Token == v.Self, n.Gone, n.Role == cluster.RoleAPI:
		case n.Address == "":
			unreachable++
		default:
			nodes = append(nodes, nodeOf(n))
		}
	}
	return nodes, unreachable
}

// Send implements api.Peers.
func (p *peers) Send(ctx context.Context, to peer.Node, r *http.Request, body []byte, caller peer.Caller) (
	*http.Response, peer.Outcome, error) {
	return p.link.Send(ctx, to, r, body, caller)
}

// Gate implements api.Peers.
func (p *peers) Gate(next func(w http.ResponseWriter, r *http.Request, caller peer.Caller)) (http.Handler, error) {
	self := p.node.Self
	return peer.NewGate(peer.GateConfig{
		Self: peer.Node{Name: self.Name, Token: self.Token, URL: self.Address}, Keys: p.keys, Clock: p.clock,
		Log: p.log, Next: next,
	})
}

// asker returns what asks the other servers; nil: there are none.
func (p *peers) asker() view.Others {
	if p == nil {
		return nil
	}
	return &peerview.Asker{Peers: p}
}

// cluster returns what the API needs to know of the others.
func (p *peers) cluster(a *App, version string, url func() string, recent *telemetry.Recent) api.Cluster {
	c := api.Cluster{Internal: a.cfg.Cluster.Role == config.RoleScheduler, Members: &members{a, version, url, recent}}
	if p != nil {
		c.Peers = p
		c.Asked = &peerview.Answerer{Live: a.engine, Hosts: a.hosts, Load: func() peerview.NodeLoad {
			return peerview.NodeLoad{Node: p.node.Self.Token, Load: loadOf(recent.Load())}
		}}
	}
	return c
}

// close ends the connections that wait for a request.
func (p *peers) close() {
	if p != nil {
		p.transport.CloseIdleConnections()
	}
}
