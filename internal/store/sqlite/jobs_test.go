package sqlite

import (
	"fmt"
	"strings"
	"testing"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// A chunk of the timeline ends between two jobs, whatever its size.
func TestTimelineChunksEndBetweenJobs(t *testing.T) {
	s := newStore(t)
	want := 0
	for n, versions := range []int{1, 3, 1, 1, 4, 2} {
		v := version(n)
		create(t, s, v)
		for i := 2; i <= versions; i++ {
			v.Number, v.EffectiveFrom = i, noon+int64(i)
			if err := s.Jobs().Update(t.Context(), v); err != nil {
				t.Fatal(err)
			}
		}
		want += versions
	}
	for limit := 1; limit <= want+1; limit++ {
		var all []domain.Version
		for after := (domain.JobID{}); ; after = all[len(all)-1].JobID {
			var chunk []domain.Version
			err := s.db.read(t.Context(), func(c *conn) (err error) {
				read := versionReader{box: s.sealer.box}
				chunk, err = read.timeline(c, after, 0, nil, limit)
				return err
			})
			if err != nil {
				t.Fatal(err)
			}
			if len(chunk) == 0 {
				break
			}
			if len(chunk) < limit && len(all)+len(chunk) < want {
				t.Errorf("limit %d: a chunk of %d", limit, len(chunk))
			}
			all = append(all, chunk...)
		}
		if len(all) != want {
			t.Errorf("limit %d: %d versions, want %d", limit, len(all), want)
		}
	}
}

// Wrong calls are mistakes of the program: they fail and store nothing.
func TestImpossibleVersionsAreRefused(t *testing.T) {
	s := newStore(t)
	create(t, s, version(1))
	second, closed := version(2), version(2)
	second.Number, closed.EffectiveTo = 2, noon+1
	first, early := version(1), version(1)
	early.Number, early.EffectiveFrom = 2, noon-1
	for name, err := range map[string]error{
		"create version 2":          s.Jobs().Create(t.Context(), []domain.Version{second}),
		"create a closed version":   s.Jobs().Create(t.Context(), []domain.Version{closed}),
		"update to version 1":       s.Jobs().Update(t.Context(), first),
		"an edit before its job":    s.Jobs().Update(t.Context(), early),
		"a deletion before its job": s.Jobs().Delete(t.Context(), jobID(1), 1, noon-1),
	} {
		if err == nil {
			t.Errorf("%s succeeded", name)
		}
	}
	if versions, err := s.Jobs().Versions(t.Context(), jobID(1), store.WholeVersions); len(versions) != 1 ||
		err != nil {
		t.Errorf("versions %+v, error %v", versions, err)
	}
	if total, _, err := s.Jobs().Count(t.Context()); total != 1 || err != nil {
		t.Errorf("count %d, error %v", total, err)
	}
}

func TestListOfJobsKeepsToTheTable(t *testing.T) {
	s := newStore(t)
	plan := strings.Builder{}
	err := s.db.read(t.Context(), func(c *conn) error {
		for _, query := range []string{selectTimeline, selectCurrent} {
			err := c.query("EXPLAIN QUERY PLAN "+query, func(s *sqlite.Stmt) error {
				_, err := fmt.Fprintln(&plan, s.ColumnText(3))
				return err
			})
			if err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil || strings.Contains(plan.String(), "TEMP B-TREE") || strings.Contains(plan.String(), "SCAN v") ||
		strings.Contains(plan.String(), "SCAN j\n") {
		t.Errorf("the plans sort or scan:\n%s%v", &plan, err)
	}
}
