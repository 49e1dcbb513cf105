package receiver

import (
	"context"
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
	readBufferBytes = 8 << 10 // holds a request's header
	maxBodyBytes    = 1 << 20
	idleTimeout     = 5 * time.Minute // longer than any client of ours keeps a connection
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
	server    *fasthttp.Server
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
	if err := r.listen(); err != nil {
		if r.logFile != nil {
			err = errors.Join(err, r.logFile.Close())
		}
		return nil, fmt.Errorf("receiver: %w", err)
	}
	r.server = &fasthttp.Server{
		Handler:               r.serve,
		Name:                  "belfry-receiver",
		Concurrency:           cfg.MaxConns,
		ReadBufferSize:        readBufferBytes,
		MaxRequestBodySize:    maxBodyBytes,
		IdleTimeout:           idleTimeout,
		NoDefaultContentType:  true,
		CloseOnShutdown:       true,
		Logger:                log.New(io.Discard, "", 0), // what clients do wrong is their affair
		SecureErrorLogMessage: true,
	}
	return r, nil
}

// listen opens every port, or none.
func (r *Receiver) listen() error {
	addr := r.cfg.Addr
	for range max(1, r.cfg.Ports) {
		ln, err := new(net.ListenConfig).Listen(context.Background(), "tcp", addr)
		if err != nil {
			for _, ln := range r.listeners {
				err = errors.Join(err, ln.Close())
			}
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

// Addrs returns host:port of every listener.
func (r *Receiver) Addrs() []string {
	all := make([]string, len(r.listeners))
	for i, ln := range r.listeners {
		all[i] = ln.Addr().String()
	}
	return all
}

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
	return errors.Join(err, r.closeLog())
}

func (r *Receiver) serveUntil(ctx context.Context) error {
	if r.cfg.Dead {
		return r.hold(ctx)
	}
	served := make(chan error, len(r.listeners))
	for _, ln := range r.listeners {
		go func() { served <- r.server.Serve(ln) }()
	}
	ended := 0
	var broken error
	select {
	case broken = <-served:
		ended++
	case <-ctx.Done():
	}
	r.stop() // answers that are held back go out now
	grace, cancel := context.WithTimeout(context.Background(), stopTimeout)
	defer cancel()
	err := r.server.ShutdownWithContext(grace)
	if errors.Is(err, context.DeadlineExceeded) {
		err = nil // a client that does not read its answer does not delay the stop
	}
	for _, ln := range r.listeners {
		_ = ln.Close() // one that was not served yet when the server was shut down
	}
	for ; ended < len(r.listeners); ended++ {
		err = errors.Join(err, <-served)
	}
	return errors.Join(broken, err)
}

func (r *Receiver) closeLog() error {
	if r.log == nil {
		return nil
	}
	return errors.Join(r.log.failure(), r.logFile.Close())
}
