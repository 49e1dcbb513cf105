package sqlite

import (
	"testing"

	"zombiezen.com/go/sqlite"
)

// The trail can be as long as history: no page of it may scan it.
func TestTrailQueriesUseTheirIndex(t *testing.T) {
	s := newStore(t)
	for query, want := range map[string]string{
		selectChanges:      "SEARCH change USING PRIMARY KEY (at>? AND (at,nonce)<(?,?))",
		selectChangesOfJob: "SEARCH change USING INDEX change_job (job_id=? AND at>? AND (at,nonce)<(?,?))",
		selectAPIKey:       "SEARCH api_key USING PRIMARY KEY (id=?)",
	} {
		var plan []string
		err := s.readers.with(t.Context(), func(c *conn) error {
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
