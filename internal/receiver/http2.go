package receiver

import (
	"context"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"

	"github.com/valyala/fasthttp"
)

// http2Server serves the connections on which HTTP/2 was agreed. They come from the
// fasthttp server, which serves HTTP/1.1 faster than net/http but has no HTTP/2.
type http2Server struct {
	server   *http.Server
	arrivals chan net.Conn
	closed   chan struct{}
	close    func()

	mu   sync.Mutex
	open map[net.Conn]chan struct{} // closed when the connection is
}

func newHTTP2Server(handler http.HandlerFunc) *http2Server {
	h := &http2Server{
		arrivals: make(chan net.Conn), closed: make(chan struct{}), open: make(map[net.Conn]chan struct{}),
	}
	h.close = sync.OnceFunc(func() { close(h.closed) })
	h.server = &http.Server{
		Handler: handler, IdleTimeout: idleTimeout, MaxHeaderBytes: readBufferBytes,
		ReadHeaderTimeout: idleTimeout, Protocols: new(http.Protocols), ConnState: h.follow,
		ErrorLog: log.New(io.Discard, "", 0), // as for HTTP/1.1
	}
	h.server.Protocols.SetHTTP2(true)
	return h
}

// run serves until the shutdown.
func (h *http2Server) run() error {
	if err := h.server.Serve(http2Listener{h}); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// shutdown lets the requests end, until the context does, and closes the connections.
func (h *http2Server) shutdown(ctx context.Context) {
	_ = h.server.Shutdown(ctx) // a client that does not read its answer does not delay the stop
	_ = h.server.Close()
	h.close()
}

// serve serves one connection, until it is closed.
func (h *http2Server) serve(c net.Conn) error {
	done := make(chan struct{})
	h.mu.Lock()
	h.open[c] = done
	h.mu.Unlock()
	select {
	case h.arrivals <- c:
		<-done
	case <-h.closed:
		h.follow(c, http.StateClosed)
	}
	return nil
}

func (h *http2Server) follow(c net.Conn, state http.ConnState) {
	if state != http.StateClosed {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	close(h.open[c])
	delete(h.open, c)
}

// http2Listener passes the connections on.
type http2Listener struct{ *http2Server }

// Accept implements net.Listener.
func (l http2Listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.arrivals:
		return c, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (l http2Listener) Close() error {
	l.close()
	return nil
}

// Addr implements net.Listener.
func (l http2Listener) Addr() net.Addr { return &net.TCPAddr{} }

var contexts = sync.Pool{New: func() any { return new(fasthttp.RequestCtx) }}

// serveHTTP2 answers a request of HTTP/2 as one of HTTP/1.1.
func (r *Receiver) serveHTTP2(w http.ResponseWriter, req *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxBodyBytes))
	if err != nil {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		return
	}
	ctx := contexts.Get().(*fasthttp.RequestCtx)
	ctx.Request.Header.SetMethod(req.Method)
	ctx.Request.Header.SetProtocol(http2Protocol)
	ctx.Request.SetRequestURI(req.RequestURI)
	ctx.Request.SetHost(req.Host)
	for name, values := range req.Header {
		for _, value := range values {
			ctx.Request.Header.Add(name, value)
		}
	}
	ctx.Request.SetBodyRaw(body)
	r.serve(ctx)
	if ctx.Hijacked() {
		panic(http.ErrAbortHandler) // resets the stream
	}
	for name, value := range ctx.Response.Header.All() {
		w.Header().Add(string(name), string(value))
	}
	w.WriteHeader(ctx.Response.StatusCode())
	_, _ = w.Write(ctx.Response.Body()) // a client that has gone away needs none
	ctx.Request.Reset()
	ctx.Response.Reset()
	contexts.Put(ctx)
}
