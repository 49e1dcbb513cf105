//go:build unix

package postgres_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	// withoutOneGroup makes a database one of the version before.
	withoutOneGroup = `
DROP INDEX alert_group_key; DROP TABLE addition; DELETE FROM belfry_migration WHERE number >= 17`

	// openBefore opens a group as the version before does.
	openBefore = `INSERT INTO alert_group (id, revision, closed, doc) VALUES ($1, 1, $2, $3) ON CONFLICT DO NOTHING`
)

// oldGroup is the row of a group of one rule and key. Its text has a NUL, as JSON writes it.
func oldGroup(n int, rule string) (id [16]byte, doc string) {
	id = [16]byte{0: 1, 6: 0x80, 8: 0x80, 14: byte(n >> 8), 15: byte(n)}
	return id, fmt.Sprintf(`{"state":"OPEN","rule":%q,"by":"HOST","key":"https://api.test:443","level":"CRITICAL",
"counts":{"jobs":%d,"allJobs":9,"failures":9007199254740993},"firstAt":5,"lastAt":6,"turnedAt":5,
"samples":[{"name":"größe \"1\"","error":"a NUL: \u0000, and none: \\u0000"}]}`, rule, n)
}

// openGroups returns the keys of the groups that are open, oldest first, and fails if one of them is there twice.
func openGroups(t *testing.T, s store.Store) (found []domain.Group) {
	t.Helper()
	found, err := s.Notices().Groups(t.Context(), store.GroupQuery{Open: true, Limit: 10_000})
	if err != nil {
		t.Fatal(err)
	}
	known := make(map[string]bool)
	for _, g := range found {
		if known[g.Rule+" "+g.Key] {
			t.Errorf("two groups of %s %s are open", g.Rule, g.Key)
		}
		known[g.Rule+" "+g.Key] = true
	}
	return found
}

// A database of the version before may have several open groups of one rule and key. The first keeps its key, the
// others get keys of their own, and nothing else of them changes.
func TestGroupsOfAnOldDatabase(t *testing.T) {
	t.Parallel()
	url := database(t)
	execute(t, url, withoutOneGroup)
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	for n, rule := range []string{"closed", "default", "default", "another", "default"} {
		closed := rule == "closed"
		id, doc := oldGroup(n, strings.Replace(rule, "closed", "default", 1))
		if _, err := c.Exec(t.Context(), openBefore, id, closed, doc); err != nil {
			t.Fatal(err)
		}
	}
	s := open(t, url)
	found := openGroups(t, s) // newest first
	if len(found) != 4 {
		t.Fatalf("%+v", found)
	}
	const key = "https://api.test:443"
	for i, want := range []struct {
		jobs     int
		key      string
		revision int64
	}{
		{4, key + " (01000000-0000-8000-8000-000000000004)", 2}, {3, key, 1},
		{2, key + " (01000000-0000-8000-8000-000000000002)", 2}, {1, key, 1},
	} {
		g := &found[i]
		if g.Counts.Jobs != want.jobs || g.Key != want.key || g.Revision != want.revision {
			t.Errorf("%+v, want %+v", g, want)
		}
		if g.Counts.Failures != 1<<53+1 || len(g.Samples) != 1 || g.Samples[0].Name != `größe "1"` ||
			!strings.HasSuffix(g.Samples[0].Error, `none: \u0000`) && want.revision == 1 {
			t.Errorf("%+v", g)
		}
	}
}

// Servers of the version before open groups while the tables are changed, and afterwards: of what they insert nothing
// is a second open group of a key.
func TestGroupsAreOpenedBesideTheChangeOfTheTables(t *testing.T) {
	t.Parallel()
	url := database(t)
	execute(t, url, withoutOneGroup)
	var servers sync.WaitGroup
	begun, ended, inserted := make(chan struct{}, 2), make(chan struct{}), make([]int, 2)
	for i := range inserted {
		servers.Go(func() {
			c, err := pgx.Connect(t.Context(), url)
			if err != nil {
				t.Error(err)
				return
			}
			defer func() { _ = c.Close(context.Background()) }()
			for n := i; ; n += 2 {
				select {
				case <-ended:
					return
				default:
				}
				id, doc := oldGroup(n, "default")
				done, err := c.Exec(t.Context(), openBefore, id, false, doc)
				if err != nil {
					t.Error(err)
					return
				}
				if inserted[i] += int(done.RowsAffected()); n == 40+i {
					begun <- struct{}{}
				}
			}
		})
	}
	<-begun
	<-begun
	s := open(t, url)
	close(ended)
	servers.Wait()
	if found := openGroups(t, s); len(found) != inserted[0]+inserted[1] || len(found) < 40 {
		t.Errorf("%d groups are open, of %d that were inserted", len(found), inserted)
	}
}
