//go:build unix

package postgrestest

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// ErrNoBouncer says that PgBouncer is not installed.
var ErrNoBouncer = errors.New("PgBouncer is not installed")

const bouncerSettings = `
[databases]
* = host=%[1]s port=%[2]d user=belfry
[pgbouncer]
listen_addr =
unix_socket_dir = %[1]s
listen_port = %[3]d
auth_type = any
pool_mode = transaction
default_pool_size = 20
max_client_conn = 1000
logfile = %[1]s/bouncer.log
`

// bouncerPort names the socket of PgBouncer, in the folder of the server.
const bouncerPort = 6432

// Bounced starts PgBouncer in transaction mode before a server, and returns how the connection string of
// a database is changed so that it leads there.
func (s *Server) Bounced(t testing.TB) func(url string) string {
	t.Helper()
	program, err := exec.LookPath("pgbouncer")
	if err != nil {
		program, err = exec.LookPath("/usr/sbin/pgbouncer")
	}
	if err != nil {
		if os.Getenv("POSTGRES_TESTS") == "required" {
			t.Fatal(ErrNoBouncer)
		}
		t.Skip(ErrNoBouncer)
	}
	settings := filepath.Join(s.folder, "bouncer.ini")
	text := fmt.Sprintf(bouncerSettings, s.folder, port, bouncerPort)
	if err := os.WriteFile(settings, []byte(text), 0o644); err != nil { //nolint:gosec // another user reads it
		t.Fatal(err)
	}
	c := s.command(program, settings)
	log, err := c.StderrPipe()
	if err == nil {
		err = c.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	ready, ended := make(chan bool, 1), make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(log); lines.Scan(); {
			if strings.Contains(lines.Text(), "process up") {
				ready <- true
			}
		}
		_ = c.Wait() // it was killed
		close(ready)
	}()
	t.Cleanup(func() {
		if err := c.Process.Signal(syscall.SIGQUIT); err != nil {
			t.Error(err)
		}
		<-ended
	})
	if !<-ready {
		t.Fatal("PgBouncer did not start")
	}
	return func(url string) string {
		return strings.Replace(url, fmt.Sprintf("port=%d", port), fmt.Sprintf("port=%d", bouncerPort), 1)
	}
}
