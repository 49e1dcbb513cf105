package postgres

import (
	"context"
	"errors"
	"slices"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// The conditions of PostgreSQL that mean something here.
const (
	uniqueViolation = "23505"
	undefinedTable  = "42P01"
	divisionByZero  = "22012" // see assertLeases
	deadlock        = "40P01"
	serialization   = "40001"
	lockTimeout     = "55P03"
)

// isCode reports whether an error is of PostgreSQL and has one of the codes.
func isCode(err error, codes ...string) bool {
	pg, ok := errors.AsType[*pgconn.PgError](err)
	return ok && slices.Contains(codes, pg.Code)
}

// fault says what could not be done. Errors about the caller's data and the ends of contexts stay
// as they are.
func fault(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return err
	}
	if _, ok := errors.AsType[*domain.Error](err); ok {
		return err
	}
	return domain.Unavailable(undone(err), "the store could not %s", what)
}

// undone marks an error after which no transaction is committed: the server has refused a statement of it, also the
// commit, or nothing was sent. A server that ends a connection (FATAL) may have committed before.
func undone(err error) error {
	_, unconnected := errors.AsType[*pgconn.ConnectError](err)
	pg, answered := errors.AsType[*pgconn.PgError](err)
	if unconnected || answered && pg.SeverityUnlocalized == "ERROR" || !answered && pgconn.SafeToRetry(err) {
		return &store.UndoneError{Err: err}
	}
	return err
}

// errUnreplicated is the cause where a commit is on this server's disk, and the standby that it has
// to wait for may not have it: somebody has ended the wait. It is as unknown as a lost answer.
var errUnreplicated = errors.New("a standby may not have the commit: the wait for it was cancelled")
