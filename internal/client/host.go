package client

import (
	"context"
	"net/url"
	"strconv"
)

// HostsRequest selects hosts. Zero values: the 20 with the most going on.
type HostsRequest struct {
	Host  string // only this one: a URL
	Sort  string // activity or certificate
	Limit int
}

// Hosts are hosts that jobs call.
type Hosts struct {
	Hosts []Host `json:"hosts"`
	Total int    `json:"total"` // without the limit
}

// Host is what the server knows of one host.
type Host struct {
	Host        string       `json:"host"`  // scheme://name:port
	State       string       `json:"state"` // answering, connecting, hanging, silent, refusing or idle
	Limit       *int         `json:"limit"` // calls that it may have at a time
	Worth       *int         `json:"worth"` // connections that it is worth
	Calls       int          `json:"calls"` // in flight
	Queued      int          `json:"queued"`
	Overdue     int          `json:"overdue"`     // of those, the ones behind fires that came due later
	Spans       int          `json:"spans"`       // ranges of fires that wait beside those
	RecentCalls int64        `json:"recentCalls"` // that ended in this minute and the one before
	Unanswered  Unanswered   `json:"unanswered"`
	Connections Connections  `json:"connections"`
	Handshakes  *Handshakes  `json:"handshakes,omitempty"` // of https
	QuickestMs  *float64     `json:"quickestMs"`
	UsualMs     *float64     `json:"usualMs"`
	LastError   *HostError   `json:"lastError,omitempty"` // nil: no call has failed
	Certificate *Certificate `json:"certificate,omitempty"`
}

// HostError is why the last call that failed did.
type HostError struct {
	Error string `json:"error"` // as the execution has it
	At    int64  `json:"at"`
}

// Unanswered are the connections to a host that were begun since it last answered.
type Unanswered struct {
	Connections int `json:"connections"`
	Failed      int `json:"failed"` // at once
}

// Connections are those to a host.
type Connections struct {
	Open    int `json:"open"` // in use and idle
	Idle    int `json:"idle"`
	Opening int `json:"opening"`
	Waiting int `json:"waiting"` // calls that wait for one
	HTTP2   int `json:"http2"`   // of those that are open: that carry several calls at a time
	Streams int `json:"streams"` // calls in flight on those
}

// Handshakes are the TLS handshakes with a host.
type Handshakes struct {
	Full    int64 `json:"full"`
	Resumed int64 `json:"resumed"`
	Failed  int64 `json:"failed"`
	Window  int   `json:"window"` // how many may be under way
}

// Certificate is what the last handshake showed of a host's certificate.
type Certificate struct {
	Subject    string   `json:"subject"`
	Issuer     string   `json:"issuer"`
	Names      []string `json:"names"` // the first few
	MoreNames  int      `json:"moreNames"`
	NotBefore  int64    `json:"notBefore"`
	NotAfter   int64    `json:"notAfter"`
	ExpiresAt  int64    `json:"expiresAt"` // of the first certificate of the chain
	SeenAt     int64    `json:"seenAt"`
	Verified   bool     `json:"verified"`
	Reason     *string  `json:"reason"` // why it is not verified
	TLSVersion string   `json:"tlsVersion"`
}

// Hosts returns what the server knows of the hosts that jobs call.
func (c *Client) Hosts(ctx context.Context, r HostsRequest) (Hosts, error) {
	q := url.Values{}
	for name, value := range map[string]string{"host": r.Host, "sort": r.Sort} {
		if value != "" {
			q.Set(name, value)
		}
	}
	if r.Limit != 0 {
		q.Set("limit", strconv.Itoa(r.Limit))
	}
	var out Hosts
	err := c.server.getJSON(ctx, &out, q, "hosts")
	return out, err
}
