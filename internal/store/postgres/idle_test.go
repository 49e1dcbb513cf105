//go:build unix

package postgres

import (
	"context"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

// TestATransactionOfAProcessThatIsGone: a process is cut off between two statements of a transaction that has locked
// the row of a shard, without a word to the server. Its locks end before another process may take the shard, directly
// and behind PgBouncer, in both forms of transactions.
func TestATransactionOfAProcessThatIsGone(t *testing.T) {
	t.Parallel()
	server, err := postgrestest.Start(postgrestest.Options{})
	postgrestest.Need(t, err)
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	at := server.Database(t)
	through := server.Bounced(t)(at) + "&default_query_exec_mode=cache_describe"
	for name, url := range map[string]string{"directly": at, "behind PgBouncer": through} {
		s, err := Open(t.Context(), Config{URL: url,
			EncryptionKeys: []string{"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		const lock = `SELECT 1 FROM shard WHERE number = 3 FOR UPDATE`
		for form, run := range map[string]func(gone func()) error{
			"a function": func(gone func()) error {
				return transact(t.Context(), s.edit, func(tx pgx.Tx) error {
					_, err := tx.Exec(t.Context(), lock)
					gone()
					return err
				})
			},
			"steps": func(gone func()) error {
				return exchange(t.Context(), s.beat, func(b *pgx.Batch) error {
					b.Queue(lock)
					return nil
				}, func(*pgx.Batch) error {
					gone()
					return nil
				})
			},
		} {
			locked, back, ended := make(chan struct{}), make(chan struct{}), make(chan error, 1)
			go func() {
				ended <- run(func() {
					close(locked)
					<-back
				})
			}()
			<-locked
			other, err := pgx.Connect(t.Context(), at)
			if err != nil {
				t.Fatal(err)
			}
			waits, cancel := context.WithTimeout(t.Context(), 30*time.Second)
			if _, err := other.Exec(waits, lock); err != nil {
				t.Errorf("%s, %s: the lock does not end: %v", name, form, err)
			}
			cancel()
			close(back)
			if err := <-ended; err == nil {
				t.Errorf("%s, %s: the transaction was committed", name, form)
			}
			_ = other.Close(t.Context())
		}
	}
}
