package telemetry

import (
	"context"
	"log/slog"
)

type requestKey struct{}

// WithRequestID returns a context whose log lines name the request that they belong to.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestKey{}, id)
}

// RequestID returns the id of the request that a context belongs to; empty: none.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestKey{}).(string)
	return id
}

// NameRequests returns a handler that adds the id of the request to each line that is
// logged under the context of one.
func NameRequests(h slog.Handler) slog.Handler { return requestNamer{h} }

type requestNamer struct{ slog.Handler }

// Handle implements slog.Handler.
func (n requestNamer) Handle(ctx context.Context, line slog.Record) error {
	if id := RequestID(ctx); id != "" {
		line = line.Clone()
		line.AddAttrs(slog.String(KeyRequestID, id))
	}
	return n.Handler.Handle(ctx, line)
}

// WithAttrs implements slog.Handler.
func (n requestNamer) WithAttrs(attrs []slog.Attr) slog.Handler {
	return requestNamer{n.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (n requestNamer) WithGroup(name string) slog.Handler {
	return requestNamer{n.Handler.WithGroup(name)}
}
