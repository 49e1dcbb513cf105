package front

import (
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// Config is what a handler is made of.
type Config struct {
	// Next answers the requests. It leaves the pattern of the route in the request,
	// as [http.ServeMux] does: requests are counted by it.
	Next http.Handler
	// Fault makes the answer to a request in which Next has panicked, and returns
	// the number that both the answer and the log line have.
	Fault func() (instance string, answer http.Handler)
	// Unclear makes the answer to a request that has more than one reading: why is the
	// end of a sentence about it. The connection is closed after it.
	Unclear func(why string) http.Handler

	Clock   clock.Clock
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Proxies Proxies // whose word about their clients counts
}

// Handler is the outermost handler. It names each request, sets the safe headers, logs
// and counts it, and ends a panic with the request, not with the process.
type Handler struct{ Config }

// NewHandler returns the handler. The error is about the config.
func NewHandler(c Config) (*Handler, error) {
	if c.Next == nil || c.Fault == nil || c.Unclear == nil || c.Clock == nil || c.Metrics == nil || c.Log == nil {
		return nil, errors.New("front: Next, Fault, Unclear, Clock, Metrics and Log are required")
	}
	return &Handler{c}, nil
}

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	out := &writer{ResponseWriter: w}
	id := requestID(r.Header)
	r = withCleanPath(r.WithContext(telemetry.WithRequestID(r.Context(), id)))
	r = h.Proxies.withClient(r)
	start := h.Clock.Mark()
	defer func() {
		fault := recover()
		if fault != nil {
			h.recovered(out, r, fault)
		}
		h.observe(out, r, h.Clock.Since(start))
		if err, _ := fault.(error); errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler) // net/http closes the connection and logs nothing
		}
	}()
	setSafeHeaders(out.Header(), r)
	out.Header()[RequestIDHeader] = []string{id}
	if why := readingFault(r); why != "" {
		out.Header().Set("Connection", "close")
		h.Unclear(why).ServeHTTP(out, r)
		return
	}
	if r.Method == http.MethodOptions && r.RequestURI == "*" { // asks whether the server is there
		out.Header().Set("Content-Length", "0")
		out.WriteHeader(http.StatusOK)
		return
	}
	h.Next.ServeHTTP(out, r)
}

// observe counts a request and logs it.
func (h *Handler) observe(w *writer, r *http.Request, took time.Duration) {
	_, route, _ := strings.Cut(r.Pattern, " ")
	if route == "" {
		route = "none"
	}
	h.Metrics.Request(route, r.Method, w.status).Observe(took.Seconds())
	if h.Log.Enabled(r.Context(), slog.LevelDebug) {
		h.Log.LogAttrs(r.Context(), slog.LevelDebug, "request",
			slog.String(telemetry.KeyMethod, r.Method), slog.String(telemetry.KeyPath, domain.MaskKeys(r.URL.Path)),
			slog.Int(telemetry.KeyHTTPStatus, w.status),
			slog.Int64("bytes", w.bytes), slog.Duration(telemetry.KeyDuration, took),
			slog.String(telemetry.KeyAddr, r.RemoteAddr))
	}
}

// recovered answers a panic. A handler that panics with the error of its last write
// has lost its client: that is not an error.
func (h *Handler) recovered(w *writer, r *http.Request, fault any) {
	err, _ := fault.(error)
	if errors.Is(err, http.ErrAbortHandler) || w.err != nil && errors.Is(err, w.err) {
		return
	}
	h.Metrics.Panics.Inc()
	instance, answer := h.Fault()
	h.Log.LogAttrs(r.Context(), slog.LevelError, "panic in a handler",
		slog.String(telemetry.KeyInstance, instance), slog.String(telemetry.KeyMethod, r.Method),
		slog.String(telemetry.KeyPath, domain.MaskKeys(r.URL.Path)),
		slog.Any("panic", fault), slog.String(telemetry.KeyStack, string(debug.Stack())))
	if w.status == 0 {
		answer.ServeHTTP(w, r)
	}
}
