package executor

import (
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/host"
	"golang.org/x/net/http2"
)

// protocol says by which protocols a pool calls an https host, and why:
//
//	targetChooses ──> cheaperHTTP1 ──> needsHTTP2     the host refuses HTTP/1.1
//	    │     ^            │
//	    │     └────────────┘                          its calls take longer
//	    └──────────> needsHTTP1                       the host says HTTP_1_1_REQUIRED
//
// HTTP/1.1 is cheaper when the calls of a host show that, and where none has ended, when a round
// trip to it is short.
//
// What a host needs is known for as long as the executor knows the host. Hosts without TLS
// need HTTP/1.1, and all do where HTTP/2 is turned off.
type protocol uint8

const (
	targetChooses protocol = iota // both are offered
	cheaperHTTP1                  // HTTP/1.1 costs less (host.CheaperByHTTP1)
	needsHTTP1
	needsHTTP2 // both are offered; it was called by HTTP/1.1, and refused
)

// judge returns the protocol after calls that took so long to follow each other.
func (p protocol) judge(took time.Duration, cond *host.Condition) protocol {
	if p == needsHTTP1 || p == needsHTTP2 {
		return p
	}
	if host.CheaperByHTTP1(p == cheaperHTTP1, took, cond.Times.Quickest(), cond.Times.Usual()) {
		return cheaperHTTP1
	}
	return targetChooses
}

// begin returns the protocol for the first connection to a host to which a round trip takes so
// long.
func (p protocol) begin(roundTrip time.Duration, cond *host.Condition) protocol {
	if cond.Times.Quickest() == 0 && host.BeginsByHTTP1(roundTrip) {
		return cheaperHTTP1
	}
	return p
}

// onlyHTTP1 reports whether handshakes offer HTTP/1.1 alone.
func (p protocol) onlyHTTP1() bool { return p == cheaperHTTP1 || p == needsHTTP1 }

// offers returns what handshakes offer.
func offers(onlyHTTP1 bool) []string {
	if onlyHTTP1 {
		return []string{"http/1.1"}
	}
	return []string{http2.NextProtoTLS, "http/1.1"}
}

// statusIncompatibleProtocol is a status of AWS's load balancers.
const statusIncompatibleProtocol = 464

// refusesHTTP1 reports whether a status says that a request was refused because of the protocol
// it came by, without having been processed: Misdirected Request, Upgrade Required and HTTP
// Version Not Supported (RFC 9110, sections 15.5.20, 15.5.22 and 15.6.6), or
// statusIncompatibleProtocol.
func refusesHTTP1(status int) bool {
	switch status {
	case http.StatusMisdirectedRequest, http.StatusUpgradeRequired, http.StatusHTTPVersionNotSupported,
		statusIncompatibleProtocol:
		return true
	}
	return false
}
