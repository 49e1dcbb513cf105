//go:build unix

package postgrestest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
)

// ErrNone says that PostgreSQL is not installed.
var ErrNone = errors.New("PostgreSQL is not installed: its programs initdb and postgres are neither in " +
	"POSTGRES_TESTS_BIN nor in /usr/lib/postgresql nor in PATH")

// Options are how a server runs. The zero value is the fastest.
type Options struct {
	Fsync    bool     // wait for the disk, as in production
	Port     int      // listen on 127.0.0.1 too, for what needs TCP; zero: on the socket alone
	Settings []string // more of them, as "name=value"
	Folder   string   // in which the server makes its own; "": that for temporary files
}

// Server is a running server.
type Server struct {
	options Options
	bin     string
	folder  string
	user    *syscall.Credential // nil: that of the test

	mu      sync.Mutex
	process *exec.Cmd
	ended   chan struct{} // closed when the process has ended
}

// port names the socket; each server has a folder of its own.
const port = 5432

// folderOf returns the folder of the programs, the newest release first.
func folderOf() (string, error) {
	places := []string{os.Getenv("POSTGRES_TESTS_BIN")}
	releases, err := filepath.Glob("/usr/lib/postgresql/*/bin")
	if err != nil {
		return "", err
	}
	slices.SortFunc(releases, func(a, b string) int { return release(b) - release(a) })
	places = append(places, releases...)
	if found, err := exec.LookPath("initdb"); err == nil {
		places = append(places, filepath.Dir(found))
	}
	for _, p := range places {
		if info, err := os.Stat(filepath.Join(p, "initdb")); p != "" && err == nil && !info.IsDir() {
			return p, nil
		}
	}
	return "", ErrNone
}

// release is the number in /usr/lib/postgresql/15/bin.
func release(bin string) int {
	n, _ := strconv.Atoi(filepath.Base(filepath.Dir(bin)))
	return n
}

// unprivileged returns whose process the server is, if the test runs as root.
func unprivileged() (*syscall.Credential, error) {
	if os.Geteuid() != 0 {
		return nil, nil
	}
	var found *user.User
	var err error
	for _, name := range []string{"postgres", "nobody"} {
		if found, err = user.Lookup(name); err == nil {
			break
		}
	}
	if err != nil {
		return nil, fmt.Errorf("PostgreSQL does not run as root, and there is no other user: %w", err)
	}
	uid, err := strconv.ParseUint(found.Uid, 10, 32)
	if err != nil {
		return nil, err
	}
	gid, err := strconv.ParseUint(found.Gid, 10, 32)
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}, err
}

// Start makes a server and returns when it answers.
func Start(options Options) (*Server, error) {
	bin, err := folderOf()
	if err != nil {
		return nil, err
	}
	s := &Server{options: options, bin: bin}
	if s.user, err = unprivileged(); err != nil {
		return nil, err
	}
	if s.folder, err = os.MkdirTemp(options.Folder, "belfry-pg-"); err != nil {
		return nil, err
	}
	if s.user != nil {
		err = os.Chown(s.folder, int(s.user.Uid), int(s.user.Gid))
	}
	if err == nil {
		err = s.run("initdb", "--pgdata", s.data(), "--username", "belfry", "--auth", "trust", "--encoding", "UTF8",
			"--locale", "C", "--no-sync", "--no-instructions")
	}
	if err == nil {
		err = s.Launch()
	}
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(s.folder))
	}
	return s, nil
}

func (s *Server) data() string { return filepath.Join(s.folder, "data") }

// command prepares a program of PostgreSQL. It ends with the test's process: SIGQUIT ends a
// server at once, with all of its processes.
func (s *Server) command(name string, args ...string) *exec.Cmd {
	if !filepath.IsAbs(name) {
		name = filepath.Join(s.bin, name)
	}
	c := exec.CommandContext(context.Background(), name, args...)
	c.Dir = s.folder
	c.Env = append(os.Environ(), "LC_ALL=C")
	c.SysProcAttr = &syscall.SysProcAttr{Credential: s.user, Setpgid: true}
	endWithParent(c.SysProcAttr)
	return c
}

func (s *Server) run(name string, args ...string) error {
	if out, err := s.command(name, args...).CombinedOutput(); err != nil {
		return fmt.Errorf("%s: %w: %s", name, err, out)
	}
	return nil
}

// Launch starts the server's process again after [Server.End].
func (s *Server) Launch() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	onOff := map[bool]string{true: "on", false: "off"}[s.options.Fsync]
	args := []string{"-D", s.data(), "-k", s.folder, "-p", strconv.Itoa(port), "-c", "listen_addresses="}
	if s.options.Port != 0 {
		args = append(args, "-c", "listen_addresses=127.0.0.1", "-p", strconv.Itoa(s.options.Port))
	}
	settings := append([]string{
		"fsync=" + onOff, "full_page_writes=" + onOff, "shared_buffers=64MB", "max_connections=300",
		"log_min_messages=log", "logging_collector=off", "max_wal_size=2GB",
	}, s.options.Settings...)
	for _, setting := range settings {
		args = append(args, "-c", setting)
	}
	c := s.command("postgres", args...)
	log, err := c.StderrPipe()
	if err != nil {
		return err
	}
	if err := c.Start(); err != nil {
		return err
	}
	ready, said := make(chan bool, 1), new(strings.Builder)
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		lines := bufio.NewScanner(log)
		for lines.Scan() {
			if strings.Contains(lines.Text(), "database system is ready to accept connections") {
				ready <- true
				break
			}
			said.WriteString(lines.Text() + "\n")
		}
		_, _ = io.Copy(io.Discard, log)
		_ = c.Wait() // it was killed
		close(ready)
	}()
	if !<-ready {
		return fmt.Errorf("postgres did not start:\n%s", said)
	}
	s.process, s.ended = c, ended
	return nil
}

// End ends the server's process with a signal and waits until it is gone: SIGTERM waits for clients,
// SIGINT does not, SIGQUIT stops like a crash.
func (s *Server) End(signal syscall.Signal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return nil
	}
	err := s.process.Process.Signal(signal)
	<-s.ended
	s.process = nil
	return err
}

// Stop ends the server and removes its folder.
func (s *Server) Stop() error {
	err := s.End(syscall.SIGQUIT)
	return errors.Join(err, os.RemoveAll(s.folder))
}

// URL returns the connection string of a database.
func (s *Server) URL(database string) string {
	at := port
	if s.options.Port != 0 {
		at = s.options.Port
	}
	return fmt.Sprintf("postgres://belfry@/%s?host=%s&port=%d", database, s.folder, at)
}

// Folder returns where the server's files are.
func (s *Server) Folder() string { return s.folder }
