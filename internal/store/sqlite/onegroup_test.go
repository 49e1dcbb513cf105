package sqlite

import (
	"reflect"
	"slices"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// A database of the version before may have several open groups of one rule and key. The first keeps its key, the
// others get keys of their own, and nothing else of them changes.
func TestGroupsOfAnOldDatabase(t *testing.T) {
	s := newStore(t)
	group := func(n byte, rule, key string, state domain.GroupState) domain.Group {
		return domain.Group{
			ID: domain.GroupID{15: n}, State: state, Rule: rule, Key: key, By: domain.ByHost,
			Counts:  domain.GroupCounts{Jobs: int(n), AllJobs: int(n), Failures: 1 << 53},
			FirstAt: noon, LastAt: noon + 1,
			Samples: []domain.GroupSample{{Name: `größe "1" ` + "\x00", Error: "500"}},
		}
	}
	const key = "https://api.example.com:443"
	groups := []domain.Group{
		group(1, "default", key, domain.GroupClosed), group(2, "default", key, domain.GroupOpen),
		group(3, "default", key, domain.GroupAcknowledged), group(4, "default", key, domain.GroupRecovered),
		group(5, "another", key, domain.GroupOpen), group(6, "default", "x", domain.GroupOpen),
	}
	member := domain.Member{Rule: "default", Group: groups[2].ID, AlertKey: domain.AlertKey{JobID: jobID(1)}, Count: 1}
	path := s.cfg.Path
	closeStore(t, s)
	sql(t, path, `DROP INDEX alert_group_key`)
	s = openStore(t, path)
	step := store.NoticeStep{Groups: groups, Members: []domain.Member{member}}
	if err := s.Notices().Advance(t.Context(), step); err != nil {
		t.Fatal(err)
	}
	closeStore(t, s)
	sql(t, path, `PRAGMA user_version = 20`)
	for range 2 { // and once more, as a database of this version
		s = openStore(t, path)
		got, err := s.Notices().Groups(t.Context(), store.GroupQuery{Limit: 9})
		if err != nil {
			t.Fatal(err)
		}
		slices.Reverse(got)
		want := slices.Clone(groups)
		for i := range want {
			want[i].Revision = 1
		}
		want[2].Revision, want[2].Key = 2, key+" (00000000000000000000000000000003)"
		want[3].Revision, want[3].Key = 2, key+" (00000000000000000000000000000004)"
		for i := range want {
			if !reflect.DeepEqual(got[i], want[i]) {
				t.Errorf("%+v, want %+v", got[i], want[i])
			}
		}
		members, err := s.Notices().MembersOf(t.Context(), groups[2].ID, domain.JobID{}, 9)
		if err != nil || len(members) != 1 {
			t.Errorf("%+v, %v", members, err)
		}
		again := []domain.Group{group(7, "default", key, domain.GroupOpen)}
		err = s.Notices().Advance(t.Context(), store.NoticeStep{Groups: again})
		if domain.ErrorCode(err) != domain.CodeConflict {
			t.Errorf("one more group of the key: %v", err)
		}
		closeStore(t, s)
	}
}
