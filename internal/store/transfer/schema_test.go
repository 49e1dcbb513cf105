//go:build unix

package transfer_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"zombiezen.com/go/sqlite"
	"zombiezen.com/go/sqlite/sqlitex"
)

// TestEveryColumnIsKnown compares the columns of both databases with testdata/columns.txt, where each table says what
// a copy does with it. Who adds a column sees to it that it is copied, and then adds it there.
func TestEveryColumnIsKnown(t *testing.T) {
	t.Parallel()
	from := files(t)
	to, url := server(t)
	from.filled(t, 21, 5, true)
	db := from.copy(t, false)
	name := db.Name
	closed(t, db)
	days, err := filepath.Glob(filepath.Join(filepath.Dir(name), "history", "*.db"))
	if err != nil || len(days) == 0 {
		t.Fatal(days, err)
	}
	closed(t, to.open(t))
	have := slices.Concat(
		columnsOfFile(t, "jobs.db", name), columnsOfFile(t, "history", days[0]), columnsOfServer(t, url))
	text, err := os.ReadFile("testdata/columns.txt")
	if err != nil {
		t.Fatal(err)
	}
	var known []string
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		if line = strings.TrimSpace(line); line != "" {
			known = append(known, line)
		}
	}
	for _, line := range have {
		if !slices.Contains(known, line) {
			t.Errorf("is it copied? testdata/columns.txt does not have\n%s", line)
		}
	}
	for _, line := range known {
		if !slices.Contains(have, line) {
			t.Errorf("testdata/columns.txt has what is not there:\n%s", line)
		}
	}
}

func columnsOfFile(t *testing.T, kind, path string) (lines []string) {
	t.Helper()
	c, err := sqlite.OpenConn(path, sqlite.OpenReadOnly)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close() }()
	err = sqlitex.ExecuteTransient(c, `
SELECT s.name, group_concat(c.name, ' ' ORDER BY c.cid) FROM sqlite_schema s JOIN pragma_table_info(s.name) c
 WHERE s.type = 'table' GROUP BY s.name ORDER BY s.name`, &sqlitex.ExecOptions{ResultFunc: func(s *sqlite.Stmt) error {
		lines = append(lines, fmt.Sprintf("%s %s: %s", kind, s.ColumnText(0), s.ColumnText(1)))
		return nil
	}})
	if err != nil {
		t.Fatal(err)
	}
	return lines
}

func columnsOfServer(t *testing.T, url string) (lines []string) {
	t.Helper()
	c, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = c.Close(context.Background()) }()
	found, err := c.Query(t.Context(), `
SELECT c.relname, string_agg(a.attname, ' ' ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
 WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') AND NOT c.relispartition AND a.attnum > 0
   AND NOT a.attisdropped GROUP BY 1 ORDER BY 1`)
	if err != nil {
		t.Fatal(err)
	}
	for found.Next() {
		var table, columns string
		if err := found.Scan(&table, &columns); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, fmt.Sprintf("postgres %s: %s", table, columns))
	}
	if err := found.Err(); err != nil {
		t.Fatal(err)
	}
	return lines
}
