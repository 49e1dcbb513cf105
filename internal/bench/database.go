package bench

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// encryptionKey seals nothing that matters: 32 bytes in base64.
const encryptionKey = "YmVsZnJ5IGJlbmNoIGJlbGZyeSBiZW5jaCBiZWxmcnk="

// database is a database of a PostgreSQL server that was made for a measurement.
type database struct {
	conn *pgx.Conn // to another database of the server
	url  string
	name string
}

// makeDatabase makes an empty database on the server that a URL names. The user must be allowed to.
func makeDatabase(ctx context.Context, server string, number int) (d *database, err error) {
	u, err := url.Parse(server)
	if err != nil {
		return nil, errors.New("--database is no URL") // the error would show its password
	}
	d = &database{name: fmt.Sprintf("belfry_bench_%d_%d", os.Getpid(), number)}
	if d.conn, err = pgx.Connect(ctx, server); err != nil {
		return nil, fmt.Errorf("the database server does not answer: %w", err)
	}
	if _, err = d.conn.Exec(ctx, "CREATE DATABASE "+d.name); err != nil {
		return nil, errors.Join(err, d.conn.Close(ctx))
	}
	u.Path = "/" + d.name
	d.url = u.String()
	return d, nil
}

// settings are the environment of a server on the database.
func (d *database) settings() []string {
	return []string{"DATABASE_URL=" + d.url, "BELFRY_ENCRYPTION_KEY=" + encryptionKey}
}

const dropTimeout = 30 * time.Second

// drop removes the database.
func (d *database) drop() error {
	ctx, cancel := context.WithTimeout(context.Background(), dropTimeout)
	defer cancel()
	_, err := d.conn.Exec(ctx, "DROP DATABASE IF EXISTS "+d.name+" WITH (FORCE)")
	return errors.Join(err, d.conn.Close(ctx))
}

// open opens the database itself.
func (d *database) open(ctx context.Context) (*pgx.Conn, error) { return pgx.Connect(ctx, d.url) }

// away makes the database unreachable for a time: who is connected is cut off, and nobody gets in.
func (d *database) away(ctx context.Context, down time.Duration) error {
	set := func(allowed bool) error {
		_, err := d.conn.Exec(context.WithoutCancel(ctx),
			fmt.Sprintf("ALTER DATABASE %s ALLOW_CONNECTIONS %t", d.name, allowed))
		return err
	}
	if err := set(false); err != nil {
		return err
	}
	_, err := d.conn.Exec(ctx, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = $1", d.name)
	if err == nil && !clock.Wait(ctx, down) {
		err = ctx.Err()
	}
	return errors.Join(err, set(true))
}

// cpu returns the processor time that the server of the database has used so far, by all its
// processes, ended ones too; zero if it runs on another machine.
func (d *database) cpu(ctx context.Context) time.Duration {
	var backend int
	if err := d.conn.QueryRow(ctx, "SELECT pg_backend_pid()").Scan(&backend); err != nil {
		return 0
	}
	parent, _ := processTimes(backend)
	if parent <= 1 {
		return 0
	}
	_, total := processTimes(parent)
	all, _ := filepath.Glob("/proc/[0-9]*") // the pattern is right
	for _, dir := range all {
		pid, err := strconv.Atoi(filepath.Base(dir))
		if err != nil {
			continue
		}
		if p, used := processTimes(pid); p == parent {
			total += used
		}
	}
	return total
}

// processTimes returns the parent of a process, and the processor time that it and its children
// that have ended have used.
func processTimes(pid int) (parent int, total time.Duration) {
	stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0, 0
	}
	_, rest, _ := strings.Cut(string(stat), ") ")
	f := strings.Fields(rest)
	if len(f) < 15 {
		return 0, 0
	}
	parent, _ = strconv.Atoi(f[1])
	for _, field := range f[11:15] { // user, system, and the same of ended children
		ticks, _ := strconv.ParseInt(field, 10, 64)
		total += time.Duration(ticks) * time.Second / ticksPerSecond
	}
	return parent, total
}
