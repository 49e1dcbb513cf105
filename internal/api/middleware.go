package api

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// recorder remembers how a response went.
type recorder struct {
	http.ResponseWriter
	status int // zero: nothing was sent yet
	bytes  int64
	err    error // the first failure to write: the client is gone
}

// WriteHeader implements http.ResponseWriter.
func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
		w.ResponseWriter.WriteHeader(status)
	}
}

// Write implements http.ResponseWriter.
func (w *recorder) Write(b []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	n, err := w.ResponseWriter.Write(b)
	w.bytes += int64(n)
	if err != nil && w.err == nil {
		w.err = err
	}
	return n, err
}

// Unwrap lets http.ResponseController reach the connection.
func (w *recorder) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// plainWriter returns the server's own writer: http.MaxBytesReader tells it to
// close the connection.
func plainWriter(w http.ResponseWriter) http.ResponseWriter {
	if rec, ok := w.(*recorder); ok {
		return rec.ResponseWriter
	}
	return w
}

// ServeHTTP implements http.Handler: the outermost layer. A panic ends one
// request, not the process.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rec := &recorder{ResponseWriter: w}
	r = withCleanPath(r)
	inner := r // the mux writes the pattern of the route into the request that it gets
	start := s.Clock.Mark()
	defer func() {
		fault := recover()
		if fault != nil {
			s.recovered(rec, r, fault)
		}
		took := s.Clock.Since(start)
		s.observe(inner, rec.status, took)
		if s.Log.Enabled(r.Context(), slog.LevelDebug) {
			s.Log.LogAttrs(r.Context(), slog.LevelDebug, "request",
				slog.String(telemetry.KeyMethod, r.Method), slog.String(telemetry.KeyPath, domain.MaskKeys(r.URL.Path)),
				slog.Int(telemetry.KeyHTTPStatus, rec.status),
				slog.Int64("bytes", rec.bytes), slog.Duration(telemetry.KeyDuration, took),
				slog.String(telemetry.KeyAddr, r.RemoteAddr))
		}
		if err, _ := fault.(error); errors.Is(err, http.ErrAbortHandler) {
			panic(http.ErrAbortHandler) // net/http closes the connection in silence
		}
	}()
	setSafeHeaders(rec.Header(), r)
	caller, refusal := s.guard.admits(r)
	if refusal != nil {
		s.Metrics.Refused.WithLabelValues(strings.TrimPrefix(refusal.Type, problemPath)).Inc()
		refusal.write(rec)
		return
	}
	inner = withVisitor(r, caller)
	s.route(rec, inner)
}

// recovered answers a panic. huma panics when it cannot write a response; that
// is a client that went away, not a fault.
func (s *server) recovered(rec *recorder, r *http.Request, fault any) {
	err, _ := fault.(error)
	if errors.Is(err, http.ErrAbortHandler) || rec.err != nil && errors.Is(err, rec.err) {
		return
	}
	s.Metrics.Panics.Inc()
	p := internalProblem(nil)
	s.Log.LogAttrs(r.Context(), slog.LevelError, "panic in a handler",
		slog.String(telemetry.KeyRequestID, p.Instance), slog.String(telemetry.KeyMethod, r.Method),
		slog.String(telemetry.KeyPath, domain.MaskKeys(r.URL.Path)),
		slog.Any("panic", fault), slog.String(telemetry.KeyStack, string(debug.Stack())))
	if rec.status == 0 {
		p.write(rec)
	}
}

// tell makes the problem of an error, and logs the error where it is not the
// caller's.
func (s *server) tell(ctx context.Context, err error) *Problem {
	p := problemOf(err)
	switch {
	case p.Status < http.StatusInternalServerError:
	case errors.Is(err, context.Canceled):
	default:
		s.Log.LogAttrs(ctx, slog.LevelError, "request failed",
			slog.Int(telemetry.KeyHTTPStatus, p.Status), slog.String(telemetry.KeyRequestID, p.Instance),
			slog.Any(telemetry.KeyError, err))
	}
	return p
}
