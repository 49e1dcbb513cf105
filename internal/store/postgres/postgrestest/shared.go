//go:build unix

package postgrestest

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/jackc/pgx/v5"
)

// The server that the tests of one program share. It is started by the first test that needs it.
var shared struct {
	once      sync.Once
	server    *Server
	err       error
	databases atomic.Int64
	template  sync.Mutex
	made      bool
}

// Main runs the tests of a package and stops the server that they share. A package that calls
// [Shared] has it as its TestMain.
func Main(m *testing.M) {
	code := m.Run()
	if shared.server != nil {
		if err := shared.server.Stop(); err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
	}
	os.Exit(code)
}

// Shared returns the server that the tests of a package share. Without PostgreSQL the test is
// skipped, or fails where POSTGRES_TESTS is "required".
func Shared(t testing.TB) *Server {
	t.Helper()
	shared.once.Do(func() { shared.server, shared.err = Start(Options{}) })
	Need(t, shared.err)
	return shared.server
}

// Need ends a test whose server did not start: see [Shared].
func Need(t testing.TB, err error) {
	t.Helper()
	switch {
	case err == nil:
	case errors.Is(err, ErrNone) && os.Getenv("POSTGRES_TESTS") != "required":
		t.Skip(err)
	default:
		t.Fatal(err)
	}
}

// Database makes an empty database and returns its connection string.
func (s *Server) Database(t testing.TB) string {
	t.Helper()
	return s.copyOf(t, "template0")
}

// Prepared makes a database that is a copy of one that prepare has filled once.
func (s *Server) Prepared(t testing.TB, prepare func(url string) error) string {
	t.Helper()
	const template = "prepared"
	shared.template.Lock()
	if !shared.made {
		err := s.execute("CREATE DATABASE " + template + " TEMPLATE template0")
		if err = errors.Join(err, prepare(s.URL(template))); err != nil {
			shared.template.Unlock()
			t.Fatal(err)
		}
		shared.made = true
	}
	shared.template.Unlock()
	return s.copyOf(t, template)
}

func (s *Server) copyOf(t testing.TB, template string) string {
	t.Helper()
	name := fmt.Sprintf("test_%d", shared.databases.Add(1))
	shared.template.Lock() // only one copy of a template is made at a time
	defer shared.template.Unlock()
	if err := s.execute("CREATE DATABASE " + name + " TEMPLATE " + template); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.execute("DROP DATABASE " + name + " WITH (FORCE)"); err != nil {
			t.Error(err)
		}
	})
	return s.URL(name)
}

func (s *Server) execute(statement string) error {
	ctx := context.Background()
	c, err := pgx.Connect(ctx, s.URL("postgres"))
	if err != nil {
		return err
	}
	_, err = c.Exec(ctx, statement)
	return errors.Join(err, c.Close(ctx))
}
