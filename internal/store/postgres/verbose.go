package postgres

import (
	"context"
	"log/slog"
	"strings"

	"github.com/jackc/pgx/v5"
)

// verbose logs each statement without its arguments.
type verbose struct{ log *slog.Logger }

var (
	_ pgx.QueryTracer = (*verbose)(nil)
	_ pgx.BatchTracer = (*verbose)(nil)
)

func (v *verbose) write(statement string) {
	v.log.Debug("sql", "statement", strings.Join(strings.Fields(statement), " "))
}

// TraceQueryStart implements pgx.QueryTracer.
func (v *verbose) TraceQueryStart(ctx context.Context, _ *pgx.Conn, q pgx.TraceQueryStartData) context.Context {
	v.write(q.SQL)
	return ctx
}

// TraceQueryEnd implements pgx.QueryTracer.
func (v *verbose) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

// TraceBatchStart implements pgx.BatchTracer.
func (v *verbose) TraceBatchStart(ctx context.Context, _ *pgx.Conn, b pgx.TraceBatchStartData) context.Context {
	for _, q := range b.Batch.QueuedQueries {
		v.write(q.SQL)
	}
	return ctx
}

// TraceBatchQuery implements pgx.BatchTracer.
func (v *verbose) TraceBatchQuery(context.Context, *pgx.Conn, pgx.TraceBatchQueryData) {}

// TraceBatchEnd implements pgx.BatchTracer.
func (v *verbose) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
