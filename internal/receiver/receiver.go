package receiver

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/valyala/fasthttp"
)

// DefaultAddr is the address on which a receiver listens by default.
const DefaultAddr = "127.0.0.1:4444"

const (
	defaultMaxConns = 50_000
	stopTimeout     = 5 * time.Second // for answers under way
)

// Config has the addresses on which a receiver listens and the data that it keeps. A zero
// field means its default.
type Config struct {
	Addr     string    // host:port; port 0 is any free one
	Ports    int       // listen on so many in all: free ones beside that of Addr
	LogPath  string    // file to append one line per request to; none: no log
	Out      io.Writer // gets one line per request for people; none: no lines
	MaxConns int       // connections beyond it are answered 503 and closed
	Dead     bool      // take connections and never answer
	Clock    clock.Clock

	TLS      bool   // speak TLS
	HTTP2    bool   // with TLS: offer HTTP/2 beside HTTP/1.1
	CertFile string // certificate chain in PEM; none: a self-signed one is made
	KeyFile  string // its key
	CAFile   string // gets the certificate that is made; none: a temporary file
}

func (c *Config) setDefaults() {
	if c.Addr == "" {
		c.Addr = DefaultAddr
	}
	if c.MaxConns <= 0 {
		c.MaxConns = defaultMaxConns
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
}

// Receiver is a server that listens.
type Receiver struct {
	cfg       Config
	listeners []net.Listener
	conns     *connections
	cert      tls.Certificate
	caFile    string // has the certificate that was made
	server    *fasthttp.Server
	http2     *http2Server // nil: not offered
	counters  atomic.Pointer[counters]
	logFile   *os.File
	log       *lines // nil: none
	out       *lines // nil: none
	stopping  context.Context
	stop      context.CancelFunc
}

// New opens the log and listens, so that Addr is known and connections wait
// until Run is called. Run must be called, as it closes both.
func New(cfg Config) (*Receiver, error) {
	cfg.setDefaults()
	r := &Receiver{cfg: cfg}
	r.counters.Store(newCounters())
	r.stopping, r.stop = context.WithCancel(context.Background())
	if cfg.LogPath != "" {
		f, err := openLog(cfg.LogPath)
		if err != nil {
			return nil, fmt.Errorf("receiver log: %w", err)
		}
		r.logFile, r.log = f, newLines(f, false)
	}
	if cfg.Out != nil {
		r.out = newLines(cfg.Out, true)
	}
	err := r.listen()
	if err == nil && cfg.TLS {
		err = r.certify()
	}
	if err != nil {
		return nil, fmt.Errorf("receiver: %w", errors.Join(err, r.close()))
	}
	r.conns = newConnections(r.listeners)
	r.server = &fasthttp.Server{
		Handler:               r.serve,
		Name:                  "belfry-receiver",
		Concurrency:           cfg.MaxConns,
		ReadBufferSize:        readBufferBytes,
		MaxRequestBodySize:    maxBodyBytes,
		IdleTimeout:           idleTimeout,
		NoDefaultContentType:  true,
		CloseOnShutdown:       true,
		ConnState:             r.conns.follow,
		Logger:                log.New(io.Discard, "", 0), // what clients do wrong is their affair
		SecureErrorLogMessage: true,
	}
	if cfg.TLS && cfg.HTTP2 {
		r.http2 = newHTTP2Server(r.serveHTTP2)
		r.server.NextProto("h2", r.http2.serve)
	}
	return r, nil
}

// certify opens or makes the certificate.
func (r *Receiver) certify() error {
	cert, made, err := openCertificate(r.cfg)
	if err != nil {
		return fmt.Errorf("certificate: %w", err)
	}
	r.cert = cert
	if made != nil {
		r.caFile, err = writeCertificate(made, r.cfg.CAFile)
	}
	return err
}

// close closes what New opened and removes the temporary file.
func (r *Receiver) close() (err error) {
	r.closeListeners()
	if r.logFile != nil {
		err = r.logFile.Close()
	}
	if r.caFile != "" && r.caFile != r.cfg.CAFile {
		err = errors.Join(err, os.Remove(r.caFile))
	}
	return err
}

// closeListeners closes the listeners, again if they are closed.
func (r *Receiver) closeListeners() {
	for _, ln := range r.listeners {
		_ = ln.Close()
	}
}

// listen opens every port.
func (r *Receiver) listen() error {
	addr := r.cfg.Addr
	for range max(1, r.cfg.Ports) {
		ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
		if err != nil {
			return err
		}
		r.listeners = append(r.listeners, ln)
		host, _, err := net.SplitHostPort(ln.Addr().String())
		if err != nil {
			return err
		}
		addr = net.JoinHostPort(host, "0")
	}
	return nil
}

// Addr returns host:port of the first listener.
func (r *Receiver) Addr() string { return r.listeners[0].Addr().String() }

// URLs returns the URL of every listener.
func (r *Receiver) URLs() []string {
	scheme := "http://"
	if r.cfg.TLS {
		scheme = "https://"
	}
	all := make([]string, len(r.listeners))
	for i, ln := range r.listeners {
		all[i] = scheme + ln.Addr().String()
	}
	return all
}

// CAFile returns the file with the certificate that was made, for clients to trust; ""
// if none was made.
func (r *Receiver) CAFile() string { return r.caFile }

// Run serves until the context ends. Then it answers the waiting requests, closes the
// connections and flushes the log. It returns nil after an orderly stop, or the first
// error of the listener or the log.
func (r *Receiver) Run(ctx context.Context) error {
	var flushers sync.WaitGroup
	flushing, stopFlushing := context.WithCancel(context.Background())
	for _, l := range []*lines{r.log, r.out} {
		if l != nil {
			flushers.Go(func() { l.run(flushing) })
		}
	}
	err := r.serveUntil(ctx)
	stopFlushing()
	flushers.Wait() // after the last request, so that its line is written
	if r.log != nil {
		err = errors.Join(err, r.log.failure())
	}
	return errors.Join(err, r.close())
}

func (r *Receiver) serveUntil(ctx context.Context) error {
	if r.cfg.Dead {
		return r.hold(ctx)
	}
	served := make(chan error, len(r.listeners)+1)
	for _, ln := range r.listeners {
		go func() { served <- r.server.Serve(r.secured(ln)) }()
	}
	running := len(r.listeners)
	if r.http2 != nil {
		go func() { served <- r.http2.run() }()
		running++
	}
	var broken error
	select {
	case broken = <-served:
		running--
	case <-ctx.Done():
	}
	r.stop() // answers that are held back go out now
	err := r.shutdown()
	for range running {
		err = errors.Join(err, <-served)
	}
	return errors.Join(broken, err)
}

// shutdown lets the requests under way end and closes the connections.
func (r *Receiver) shutdown() error {
	grace, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	if r.http2 != nil {
		r.http2.shutdown(grace)
	}
	err := r.server.ShutdownWithContext(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // a client that does not read its answer does not delay the stop
	}
	r.closeListeners() // one may not have been served yet when the server was shut down
	return err
}

// secured returns the listener as the server uses it. Each port has a TLS configuration of
// its own: it is a host of its own, where no session of another one is resumed.
func (r *Receiver) secured(ln net.Listener) net.Listener {
	ln = steadyListener{ln, r.stopping}
	if !r.cfg.TLS {
		return ln
	}
	protocols := []string{"http/1.1"}
	if r.http2 != nil {
		protocols = []string{"h2", "http/1.1"}
	}
	return tls.NewListener(ln, &tls.Config{
		Certificates: []tls.Certificate{r.cert}, MinVersion: tls.VersionTLS12, NextProtos: protocols,
		GetConfigForClient: func(*tls.ClientHelloInfo) (*tls.Config, error) {
			r.counters.Load().begun.Add(1)
			return nil, nil //nolint:nilnil // the configuration remains
		},
		VerifyConnection: func(state tls.ConnectionState) error {
			if state.DidResume {
				r.counters.Load().resumed.Add(1)
			} else {
				r.counters.Load().full.Add(1)
			}
			return nil
		},
	})
}
