package sqlite

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"strings"
	"testing"
)

// TestANewSchemaIsAnnounced: the log says that an older database gets its new schema, and of others
// nothing.
func TestANewSchemaIsAnnounced(t *testing.T) {
	path := filepath.Join(t.TempDir(), "jobs.db")
	s, err := Open(t.Context(), Config{Path: path})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	log := slog.New(slog.NewTextHandler(&out, nil))
	steps, err := migrations("jobs")
	if err != nil {
		t.Fatal(err)
	}
	for version, want := range map[int]bool{len(steps): false, 1: true, len(steps) - 1: true} {
		out.Reset()
		c, err := openConn(path, writer, log)
		if err != nil {
			t.Fatal(err)
		}
		if err := c.exec(fmt.Sprintf("PRAGMA user_version = %d", version)); err != nil {
			t.Fatal(err)
		}
		if err := errors.Join(announce(t.Context(), c, log), c.Close()); err != nil {
			t.Fatal(err)
		}
		if says := strings.Contains(out.String(), "gets the schema of this version"); says != want {
			t.Errorf("with schema %d it says %q", version, out.String())
		}
	}
}
