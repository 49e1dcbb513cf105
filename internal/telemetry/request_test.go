package telemetry

import (
	"bytes"
	"context"
	"log/slog"
	"testing"
)

// TestLinesNameTheirRequest: whoever logs under the context of a request, whatever the
// logger has besides.
func TestLinesNameTheirRequest(t *testing.T) {
	var out bytes.Buffer
	log := slog.New(NameRequests(slog.NewTextHandler(&out, &slog.HandlerOptions{
		ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr {
			if a.Key == slog.TimeKey {
				return slog.Attr{}
			}
			return a
		},
	})))
	ctx := WithRequestID(context.Background(), "r1")
	log.InfoContext(ctx, "a", "b", 1)
	log.With("c", 2).InfoContext(ctx, "a")
	log.WithGroup("g").InfoContext(ctx, "a", "d", 3)
	log.InfoContext(context.Background(), "a")
	const want = "level=INFO msg=a b=1 request_id=r1\n" +
		"level=INFO msg=a c=2 request_id=r1\n" +
		"level=INFO msg=a g.d=3 g.request_id=r1\n" +
		"level=INFO msg=a\n"
	if out.String() != want {
		t.Errorf("the log is\n%swant\n%s", out.String(), want)
	}
}
