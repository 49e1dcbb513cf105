package front

import (
	"cmp"
	"errors"
	"net/http"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Limits of the HTTP server. A client that sends a request of 1 MiB in 30 s
// needs 280 kbit/s; imports and exports, which take longer, move their own
// deadlines on for as long as they progress.
const (
	readHeaderTimeout = 10 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 60 * time.Second
	idleTimeout       = 2 * time.Minute
	maxHeaderBytes    = 16 << 10 // to which net/http adds 4 KiB; for fields see maxFields
)

// ServerConfig is what a server is made of.
type ServerConfig struct {
	Addr           string
	Handler        http.Handler
	Metrics        *telemetry.Metrics
	MaxConnections int    // zero: DefaultMaxConnections
	Full           func() // is called when a client has to go since there are as many; nil: it is not told
}

// NewServer returns a server with limits against slow and greedy clients. The
// error is about the config.
//
// It speaks HTTP/1.1 alone, with TLS too (ADR 40): in HTTP/2 one connection carries
// hundreds of requests, so that a limit of connections would limit nothing.
func NewServer(c ServerConfig) (*http.Server, error) {
	if c.Handler == nil || c.Metrics == nil || c.MaxConnections < 0 {
		return nil, errors.New("front: Handler and Metrics are required, and MaxConnections must not be negative")
	}
	s := &http.Server{
		Addr:              c.Addr,
		Handler:           c.Handler,
		ReadHeaderTimeout: readHeaderTimeout,
		ReadTimeout:       readTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		Protocols:         new(http.Protocols),

		DisableGeneralOptionsHandler: true, // each request passes the handler, which counts them
	}
	s.Protocols.SetHTTP1(true)
	cs := connections{limit: cmp.Or(c.MaxConnections, DefaultMaxConnections), dropped: c.Metrics.ConnectionsDropped,
		full: c.Full}
	cs.watch(s)
	return s, nil
}
