package e2e

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
)

// TestTwoHostsInTheURL: DATABASE_URL names the hosts of a primary and of its standby. The server uses the one that
// takes writes, whichever comes first, and follows when they change their roles: it fires what fell due meanwhile,
// late.
func TestTwoHostsInTheURL(t *testing.T) {
	t.Parallel()
	primary := newPostgres(t)
	standby := newPostgresWith(t, postgrestest.Options{Settings: []string{"default_transaction_read_only=on"}})
	const database = "postgres" // which each of them has
	config, err := pgx.ParseConfig(primary.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	readOnly, err := pgx.ParseConfig(standby.URL(database))
	if err != nil {
		t.Fatal(err)
	}
	socketOf := func(c *pgx.ConnConfig) string { return filepath.Join(c.Host, fmt.Sprintf(".s.PGSQL.%d", c.Port)) }
	var leadsTo [2]atomic.Value // sockets
	leadsTo[0].Store(socketOf(readOnly))
	leadsTo[1].Store(socketOf(config))
	var hosts [2]*dbProxy
	for i := range hosts {
		hosts[i] = newDBProxy(t, func() (net.Conn, error) {
			socket, _ := leadsTo[i].Load().(string)
			return (&net.Dialer{Timeout: time.Second}).DialContext(context.Background(), "unix", socket)
		})
	}
	if c, err := pgx.ConnectConfig(t.Context(), readOnly); err != nil {
		t.Fatal(err)
	} else if _, err := c.Exec(t.Context(), `CREATE TABLE t ()`); err == nil {
		t.Fatal("the standby takes writes")
	} else {
		_ = c.Close(t.Context())
	}
	tg := newTarget(t)
	p := servePostgres(t, fmt.Sprintf("postgres://%s@%s,%s/%s?target_session_attrs=read-write", config.User,
		hosts[0].addr, hosts[1].addr, database))
	ids := p.importJobs(everySecond(5, tg.url+"/ok"))
	first := (time.Now().UnixMilli()/1000 + 2) * 1000
	eventually(t, "the jobs fire beside a standby that comes first", func() bool {
		return countSince(t, tg, first) > 2*len(ids)
	})

	hosts[1].set(cut)
	pass(time.Now().UnixMilli() + 5_000)
	leadsTo[0].Store(socketOf(config)) // the standby was promoted
	hosts[0].set(cut)
	hosts[0].set(passing)
	eventually(t, "the server is ready again", func() bool {
		status, _ := ask(t, "GET", p.url+"/readyz", "", "")
		return status == 200
	})
	last := (time.Now().UnixMilli()/1000 + 2) * 1000
	pass(last)
	tg.waitFor(t, ids, first, last)
	checkRecord(t, p, ids, first, last)
}
