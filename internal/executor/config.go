package executor

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/belfry-scheduler/belfry/internal/certs"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// readBufferBytes is how much of a response is read at a time, once its first bytes have
// come. The buffer holds a line of a usual header.
const readBufferBytes = 4 << 10

// maxKeptHeadBytes is the size of the largest buffer, of a request's head or of the
// fields of a response, that is kept for the next call.
const maxKeptHeadBytes = 8 << 10

// Defaults of [Config].
const (
	DefaultMaxConnsPerHost  = 20_000
	DefaultMaxConns         = 20_000
	DefaultMaxHosts         = 10_000
	DefaultDialTimeout      = 5 * time.Second
	DefaultMaxResponseBytes = 64 << 10
	DefaultMaxHeaderBytes   = 32 << 10

	// DefaultIdleTimeout is less than the 60 s after which load balancers and
	// web servers commonly close an idle connection, so that Belfry closes
	// first and does not write to a connection that is being closed.
	DefaultIdleTimeout = 55 * time.Second

	// DefaultMaxConnAge limits how long a target that moves by DNS is still called at its
	// old address: for the TTL of the old record, this time, and the timeout of a call. Operators who move
	// a target commonly wait for the TTL of its records, 60 to 300 s, before they shut the
	// old one down. The cost is small. A connection is used for half of this time to all of
	// it (see lifetime). So 20,000 connections to one host that were opened in the same
	// second are replaced over 150 s: 133 a second, each at 0.1 ms of CPU time, or 1 ms with
	// TLS.
	DefaultMaxConnAge = 5 * time.Minute
)

// Config says how calls are made. The zero value of a field is its default.
type Config struct {
	UserAgent       string // "belfry/VERSION"
	MaxConnsPerHost int    // open connections to one host; at least the engine's limit per host
	// connections to all hosts together; idle ones are closed where calls need others (room)
	MaxConns int
	// for the lookup and the connect, and again for the TLS handshake; never beyond the call's timeout
	DialTimeout      time.Duration
	IdleTimeout      time.Duration              // connections unused so long are closed
	MaxConnAge       time.Duration              // connections open so long are not used again, some from half of it on
	MaxResponseBytes int                        // of a body; what is longer is left unread and the connection closed
	MaxHeaderBytes   int                        // of a response's header
	MaxHosts         int                        // hosts remembered; the least recently used idle ones are dropped
	RootCAs          *x509.CertPool             // authorities that sign targets' certificates; nil: the system's
	Roots            *certs.Roots               // takes precedence over RootCAs: authorities that may change
	ClientCerts      map[string]tls.Certificate // by the names that calls say
	Handshakes       certs.Observer             // is called for each TLS handshake
	NoHTTP2          bool                       // https targets are called by HTTP/1.1 only
	Hosts            *host.Table                // is shared with the engine; nil: the executor has its own
	Clock            clock.Clock                // for Retry-After dates and the validity of certificates
	// Allows reports whether calls of a namespace may present a certificate; nil: all may.
	Allows  func(certificate, namespace string) bool
	Signing Signing
	Guard   Guard // decides which targets may be called; nil: all
	Metrics Metrics
}

// Signing is how calls are signed that bring no signer of their own.
type Signing struct {
	// Of returns what signs the calls of a namespace; nil: they go unsigned.
	Of func(namespace string) *webhook.Signer
	// Secrets are texts that Outcome.Error must not show, beside those of the call and
	// of the signer.
	Secrets []string
}

// texts returns what a target of a namespace may know, and repeat.
func (s *Signing) texts(namespace string) []string {
	if s.Of == nil {
		return nil
	}
	return s.Of(namespace).Texts()
}

// Metrics count what is done for calls. What is nil is not counted, or told.
type Metrics struct {
	Names    *telemetry.Names    // lookups of names
	Prepared *telemetry.Prepared // connections that are opened before calls are due
	// is called where a connection needs a file more than may be open, in the process
	// (EMFILE) or the system (ENFILE), and with nil where idle connections make room since
	// there are MaxConns
	NoRoom func(error)
}

// Guard says which targets may be called. It is asked for each new connection;
// an error refuses the target for good. What it has allowed for a host and a
// port stays allowed for as long as the connection is kept open.
type Guard interface {
	// CheckName judges a host name before it is looked up.
	CheckName(name string, port uint16) error
	// CheckAddr judges an address right before the connect to it. The name is
	// that of the URL, which may be the address itself.
	CheckAddr(name string, to netip.AddrPort) error
}

func (c *Config) setDefaults() {
	c.MaxConnsPerHost = orDefault(c.MaxConnsPerHost, DefaultMaxConnsPerHost)
	c.MaxConns = orDefault(c.MaxConns, DefaultMaxConns)
	c.MaxHosts = orDefault(c.MaxHosts, DefaultMaxHosts)
	c.MaxResponseBytes = orDefault(c.MaxResponseBytes, DefaultMaxResponseBytes)
	c.MaxHeaderBytes = orDefault(c.MaxHeaderBytes, DefaultMaxHeaderBytes)
	c.DialTimeout = orDefault(c.DialTimeout, DefaultDialTimeout)
	c.IdleTimeout = orDefault(c.IdleTimeout, DefaultIdleTimeout)
	c.MaxConnAge = orDefault(c.MaxConnAge, DefaultMaxConnAge)
	if c.UserAgent == "" {
		c.UserAgent = "belfry"
	}
	if c.Hosts == nil {
		c.Hosts = new(host.Table)
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.Metrics.Prepared == nil {
		c.Metrics.Prepared = telemetry.NewPrepared()
	}
}

func orDefault[T int | time.Duration](v, fallback T) T {
	if v == 0 {
		return fallback
	}
	return v
}

func (c *Config) validate() error {
	switch {
	case min(c.MaxConnsPerHost, c.MaxConns, c.MaxHosts, c.MaxResponseBytes) < 1:
		return errors.New("executor: limits must be positive")
	case c.MaxHeaderBytes < readBufferBytes:
		return fmt.Errorf("executor: MaxHeaderBytes must be at least %d", readBufferBytes)
	case min(c.DialTimeout, c.IdleTimeout, c.MaxConnAge) < time.Millisecond:
		return errors.New("executor: timeouts must be at least 1ms")
	case !validHeader("User-Agent", c.UserAgent):
		return fmt.Errorf("executor: user agent %q is no header value", c.UserAgent)
	}
	return nil
}

// monotonic times deadlines and idle connections. It is the machine's clock
// even where Config.Clock is not: a step of the wall clock must not end a call.
var monotonic clock.System
