package postgres

import (
	"errors"
	"io"
	"testing"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/belfry-scheduler/belfry/internal/store"
)

// What the server has refused was not committed. A connection that it ends, or that breaks, leaves it open.
func TestUndone(t *testing.T) {
	_, unconnected := pgconn.Connect(t.Context(), "postgres://127.0.0.1:1/x?sslmode=disable&connect_timeout=5")
	for want, errs := range map[bool][]error{
		true: {&pgconn.PgError{SeverityUnlocalized: "ERROR", Code: lockTimeout},
			errors.Join(&pgconn.PgError{SeverityUnlocalized: "ERROR", Code: deadlock}, io.EOF), unconnected},
		false: {&pgconn.PgError{SeverityUnlocalized: "FATAL", Code: "57P01"}, io.ErrUnexpectedEOF, errUnreplicated},
	} {
		for _, err := range errs {
			if got := store.IsUndone(fault("update the job", err)); got != want {
				t.Errorf("%v: undone is %t", err, got)
			}
		}
	}
}
