package sqlite

import (
	"slices"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"
)

// Whatever drives a list, it is walked in the order of its index: nothing is sorted or scanned.
func TestListsUseTheirIndex(t *testing.T) {
	s := newStore(t)
	for query, want := range map[string]string{
		scanJobs:                 "SEARCH job USING PRIMARY KEY (id>? AND id<?)",
		scanJobs + backward:      "SEARCH job USING PRIMARY KEY (id>? AND id<?)",
		scanPaused:               "SEARCH job USING INDEX job_paused (id>? AND id<?)",
		scanPaused + backward:    "SEARCH job USING INDEX job_paused (id>? AND id<?)",
		scanNamespace:            "SEARCH job USING INDEX job_namespace (namespace=? AND id>? AND id<?)",
		scanNamespace + backward: "SEARCH job USING INDEX job_namespace (namespace=? AND id>? AND id<?)",
		scanBlocks:               "SEARCH job_block USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		scanBlocks + backward:    "SEARCH job_block USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		selectTail:               "SCAN job_block", // of which it reads one row
		selectBlockOf:            "SEARCH job_block USING INTEGER PRIMARY KEY (rowid<?)",
		selectBlocksIn:           "SEARCH job_block USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)",
		selectWorn:               "SCAN job_block USING INDEX job_block_worn",
		countJobsIn:              "SEARCH job USING PRIMARY KEY (id>? AND id<?)",
		selectContent:            "SEARCH version USING PRIMARY KEY (job_id=? AND number=?)",
	} {
		var plan []string
		err := s.db.read(t.Context(), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				plan = append(plan, s.ColumnText(3))
				return nil
			})
		})
		if err != nil || len(plan) != 1 || plan[0] != want {
			t.Errorf("%s\nplan %q, want %q, error %v", query, plan, want, err)
		}
	}
}

// The job of a key is found among a million others, and each new job with one asks for it.
func TestKeyQueriesUseTheirIndex(t *testing.T) {
	s := newStore(t)
	for query, want := range map[string]string{
		selectKeyed:     "SEARCH v USING INDEX version_key (key=?)",
		selectKeyHolder: "SEARCH v USING INDEX version_key (key=? AND <expr>=?)",
	} {
		var plan []string
		err := s.db.read(t.Context(), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				plan = append(plan, s.ColumnText(3))
				return nil
			})
		})
		if err != nil || len(plan) == 0 || plan[0] != want {
			t.Errorf("%s\nplan %q, want %q, error %v", query, plan, want, err)
		}
	}
}

// The trail can be as long as history: no page of it may scan it.
func TestTrailQueriesUseTheirIndex(t *testing.T) {
	s := newStore(t)
	for query, want := range map[string]string{
		selectChanges: "SEARCH change USING PRIMARY KEY (at>? AND (at,nonce)<(?,?))",
		selectChangesOfJob: "MERGE (UNION ALL); LEFT; SEARCH change USING INDEX change_job " +
			"(job_id=? AND at>? AND (at,nonce)<(?,?)); RIGHT; SEARCH j USING PRIMARY KEY (id=?); " +
			"SEARCH c USING PRIMARY KEY (at=? AND nonce=?)",
		selectChangesOfRequest: "SEARCH change USING INDEX change_request " +
			"(request_id=? AND at>? AND (at,nonce)<(?,?))",
		selectAPIKey: "SEARCH api_key USING PRIMARY KEY (id=?)",
	} {
		var plan []string
		err := s.db.read(t.Context(), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				plan = append(plan, s.ColumnText(3))
				return nil
			})
		})
		if err != nil || strings.Join(plan, "; ") != want {
			t.Errorf("%s\nplan %q, want %q, error %v", query, plan, want, err)
		}
	}
}

// A request with an Idempotency-Key looks up one row among a million, and those that are
// old are found by their time.
func TestIdempotencyQueriesUseTheirIndex(t *testing.T) {
	s := newStore(t)
	for query, want := range map[string][]string{
		selectRecord: {"SEARCH idempotency USING PRIMARY KEY (key=?)"},
		selectUse:    {"SEARCH idempotency_use USING PRIMARY KEY (caller=?)"},
		selectID:     {"SEARCH job USING PRIMARY KEY (id=?)"},
		expireRecords: {
			"SEARCH idempotency USING PRIMARY KEY (key=?)", "LIST SUBQUERY 1",
			"SEARCH idempotency USING COVERING INDEX idempotency_at (at<?)",
		},
	} {
		var plan []string
		err := s.db.read(t.Context(), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				plan = append(plan, s.ColumnText(3))
				return nil
			})
		})
		if err != nil || !slices.Equal(plan, want) {
			t.Errorf("%s\nplan %q, want %q, error %v", query, plan, want, err)
		}
	}
}

// Whatever is asked of operations, the rows that are read are those that it is about.
func TestOperationQueriesUseTheirIndex(t *testing.T) {
	s := newStore(t)
	for query, want := range map[string][]string{
		selectOperation:      {"SEARCH operation USING PRIMARY KEY (id=?)"},
		selectOperations:     {"SEARCH operation USING PRIMARY KEY (id<?)"},
		selectOpenOperations: {"SEARCH operation USING INDEX operation_open (id<?)"},
		selectOperationsOf:   {"SEARCH operation USING INDEX operation_namespace (namespace=? AND id<?)"},
		selectPending:        {"SEARCH operation_job USING PRIMARY KEY (operation_id=?)"},
		selectWithoutUse: {
			"SEARCH o USING COVERING INDEX operation_ended (ended_at>?)",
			"SEARCH j EXISTS USING PRIMARY KEY (operation_id=?)",
		},
		prunePending: {
			"SEARCH operation_job USING PRIMARY KEY (operation_id=? AND job_id=?)", "LIST SUBQUERY 1",
			"SEARCH operation_job USING PRIMARY KEY (operation_id=?)",
		},
		pruneOperations: {
			"SEARCH operation USING PRIMARY KEY (id=?)", "LIST SUBQUERY 1",
			"SEARCH operation USING COVERING INDEX operation_ended (ended_at>? AND ended_at<?)",
		},
		selectChangesOfOperation: {
			"SEARCH change USING INDEX change_operation (operation_id=? AND at>? AND (at,nonce)<(?,?))",
		},
	} {
		var plan []string
		err := s.db.read(t.Context(), func(c *conn) error {
			return c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				plan = append(plan, s.ColumnText(3))
				return nil
			})
		})
		if err != nil || !slices.Equal(plan, want) {
			t.Errorf("%s\nplan %q, want %q, error %v", query, plan, want, err)
		}
	}
}
