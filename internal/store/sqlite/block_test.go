package sqlite

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// manyJobs returns jobs with ids as the server makes them.
func manyJobs(n int, seed uint64) []domain.Version {
	random := rand.New(rand.NewPCG(seed, 1))
	ids := domain.NewJobIDs(noon+int64(seed)*1_000, n)
	all := make([]domain.Version, n)
	for i := range all {
		v := version(1)
		v.JobID = ids[i]
		v.Spec.Name = fmt.Sprintf("Job %05d-%x", i, random.Uint32())
		v.Spec.API = fmt.Sprintf("https://host-%d.example.com/hook/%d", i%97, random.IntN(1_000_000))
		v.Spec.Tags = []string{fmt.Sprintf("team-%d", i%13), fmt.Sprintf("rare-%d", i)}
		if i%50 == 0 {
			v.Spec.Namespace = fmt.Sprintf("space-%d", i%3)
		}
		v.Active = i%7 != 0
		all[i] = v
	}
	return all
}

// listAll reads a list to its end.
func listAll(t *testing.T, s *Store, q store.JobQuery) (found []domain.JobID) {
	t.Helper()
	if q.Limit == 0 {
		q.Limit = 100
	}
	for {
		page, err := s.Jobs().List(t.Context(), q)
		if err != nil {
			t.Fatal(err)
		}
		for _, j := range page.Jobs {
			found = append(found, j.ID)
		}
		if page.Next.IsZero() {
			return found
		}
		q.After = page.Next
	}
}

// checkLists compares lists with what the jobs themselves say.
func checkLists(t *testing.T, s *Store, jobs map[domain.JobID]domain.Version, seed uint64) {
	t.Helper()
	random := rand.New(rand.NewPCG(seed, 2))
	ids := make([]domain.JobID, 0, len(jobs))
	for id := range jobs {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, func(a, b domain.JobID) int { return slices.Compare(a[:], b[:]) })
	for i := range 60 {
		v := jobs[ids[random.IntN(len(ids))]]
		name := v.Spec.Name
		cut := random.IntN(len(name))
		q := []store.JobQuery{
			{Text: strings.ToUpper(name[cut:])}, {Text: v.Spec.API[20:]}, {Text: v.JobID.String()[24:]}, {Name: name},
			{Tag: v.Spec.Tags[1]}, {Tag: v.Spec.Tags[0], Text: name[:7]}, {Namespace: v.Spec.Namespace, Text: name[:6]},
			{Host: domain.HostFilter{Name: domain.HostName(v.Spec.API)}}, {Text: name, Active: &v.Active},
		}[i%9]
		q.Descending = random.IntN(2) == 0
		q.Limit, q.MaxWork = 1+random.IntN(50), []int{0, 0, 300}[random.IntN(3)]
		var want []domain.JobID
		for _, id := range ids {
			if v := jobs[id]; q.Selects(&v) {
				want = append(want, id)
			}
		}
		if q.Descending {
			slices.Reverse(want)
		}
		if got := listAll(t, s, q); !slices.Equal(got, want) {
			t.Fatalf("query %d, %+v: %d jobs, want %d", i, q, len(got), len(want))
		}
	}
}

// Lists find exactly the jobs that their filters select: after creations in any order, changes,
// operations that were rolled back, deletions, and a new start.
func TestListsFollowEveryWrite(t *testing.T) {
	s := newStore(t)
	jobs := make(map[domain.JobID]domain.Version)
	all := manyJobs(3_000, 1)
	create(t, s, all[:1_500]...)
	random := rand.New(rand.NewPCG(1, 3))
	rest := slices.Clone(all[1_500:])
	random.Shuffle(len(rest), func(i, j int) { rest[i], rest[j] = rest[j], rest[i] })
	create(t, s, rest[:700]...)
	for _, v := range rest[700:] {
		create(t, s, v)
	}
	for _, v := range all {
		jobs[v.JobID] = v
	}
	checkLists(t, s, jobs, 1)
	taken := all[10]
	taken.Spec.Name = "taken already"
	err := s.Jobs().Create(t.Context(), append(manyJobs(5, 9), taken))
	if domain.ErrorCode(err) != domain.CodeConflict {
		t.Fatalf("error %v", err)
	}
	for i := range 200 {
		v := jobs[all[i*13].JobID]
		v.Number, v.EffectiveFrom = v.Number+1, v.EffectiveFrom+1
		v.Spec.Name, v.Spec.Tags = fmt.Sprintf("Renamed %d", i), []string{"changed", fmt.Sprintf("new-%d", i)}
		if err := s.Jobs().Update(t.Context(), v); err != nil {
			t.Fatal(err)
		}
		jobs[v.JobID] = v
	}
	for i := range 100 {
		v := jobs[all[i*17].JobID]
		if err := s.Jobs().Delete(t.Context(), v.JobID, v.Number, noon+dayMs); err != nil {
			t.Fatal(err)
		}
		delete(jobs, v.JobID)
	}
	checkLists(t, s, jobs, 2)
	s = reopen(t, s)
	checkLists(t, s, jobs, 3)
}

func numberOf(t *testing.T, s *Store, query string, args ...any) (n int64) {
	t.Helper()
	err := s.db.read(t.Context(), func(c *conn) (err error) {
		n, err = c.number(query, args...)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// waitMade waits until no block is to be made.
func waitMade(t *testing.T, s *Store) {
	t.Helper()
	for numberOf(t, s, `SELECT count(*) FROM job_block WHERE jobs > 128`) > 0 {
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(time.Millisecond):
		}
	}
}

// unmake leaves the blocks as the migration of a database without them does.
func unmake(t *testing.T, s *Store) {
	t.Helper()
	err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) {
		return tally{}, s.db.writer.blocks.replace(c, 0, maxStart, []*block{unmade(0)})
	})
	if err != nil {
		t.Fatal(err)
	}
}

// The jobs of a database from before are found at once, and their blocks are made in the
// background, while jobs are created and changed.
func TestBlocksAreMadeInTheBackground(t *testing.T) {
	s := newStore(t)
	jobs := make(map[domain.JobID]domain.Version)
	add := func(all []domain.Version) {
		create(t, s, all...)
		for _, v := range all {
			jobs[v.JobID] = v
		}
	}
	add(manyJobs(2_500, 1))
	unmake(t, s)
	checkLists(t, s, jobs, 1)
	s = reopen(t, s)
	for i := range uint64(20) {
		add(manyJobs(20, 10+i))
	}
	checkLists(t, s, jobs, 2)
	waitMade(t, s)
	checkLists(t, s, jobs, 3)
	if n := numberOf(t, s, `SELECT count(*) FROM job_block WHERE bits IS NULL`); n != 0 {
		t.Errorf("%d blocks are not made", n)
	}
	if n := numberOf(t, s, `SELECT count(*) FROM job_block`); n < 70 || n > 200 {
		t.Errorf("%d blocks of %d jobs", n, len(jobs))
	}
}

// A block to which many versions were added is rebuilt from what its jobs are.
func TestWornBlocksAreRebuilt(t *testing.T) {
	s := newStore(t)
	all := manyJobs(64, 1)
	create(t, s, all...)
	v := all[3]
	for i := range 200 {
		v.Number, v.EffectiveFrom = v.Number+1, v.EffectiveFrom+1
		v.Spec.Name = fmt.Sprintf("name %d %x", i, i*7_919)
		if err := s.Jobs().Update(t.Context(), v); err != nil {
			t.Fatal(err)
		}
	}
	waitMade(t, s)
	places := placesOf(&store.JobQuery{Name: "name 5 9ab3"})
	found := 0
	err := s.db.read(t.Context(), func(c *conn) error {
		var filter bits
		return c.query(`SELECT start, bits FROM job_block`, func(st *sqlite.Stmt) error {
			if mayHave(st, &filter, places) {
				found++
			}
			return nil
		})
	})
	if err != nil || found != 0 {
		t.Errorf("%d blocks may have a name of the past, error %v", found, err)
	}
}

// The blocks of jobs that are gone are folded into few.
func TestEmptyBlocksAreFolded(t *testing.T) {
	s := newStore(t)
	all := manyJobs(3_200, 1)
	create(t, s, all...)
	jobs := make(map[domain.JobID]domain.Version)
	for i, v := range all {
		if i%100 == 0 {
			jobs[v.JobID] = v
			continue
		}
		if err := s.Jobs().Delete(t.Context(), v.JobID, 1, noon+1); err != nil {
			t.Fatal(err)
		}
	}
	s.maker.jobsPruned()
	for numberOf(t, s, `SELECT count(*) FROM job_block`) > 10 {
		select {
		case <-t.Context().Done():
			t.Fatal("the blocks stay")
		case <-time.After(time.Millisecond):
		}
	}
	waitMade(t, s)
	checkLists(t, s, jobs, 1)
}

// A transaction that fails leaves nothing behind by which jobs are missed later.
func TestBlocksAfterAFailedCommit(t *testing.T) {
	s := newStore(t)
	first, lost, later := manyJobs(20, 1), manyJobs(40, 2), manyJobs(40, 3)
	create(t, s, first...)
	fail := errors.New("as if the disk were full")
	err := s.db.write(t.Context(), 1, func(c *conn) (tally, error) {
		if err := s.db.writer.blocks.addAll(c, additionsOf(rowsOf(t, s, lost))); err != nil {
			return tally{}, err
		}
		return tally{}, errors.Join(fail, c.exec("ROLLBACK"))
	})
	if !errors.Is(err, fail) {
		t.Fatal(err)
	}
	create(t, s, later...)
	jobs := make(map[domain.JobID]domain.Version)
	for _, v := range append(first, later...) {
		jobs[v.JobID] = v
	}
	checkLists(t, s, jobs, 1)
	s = reopen(t, s)
	checkLists(t, s, jobs, 2)
}

func rowsOf(t *testing.T, s *Store, versions []domain.Version) (all []rows.Version) {
	t.Helper()
	for i := range versions {
		r, err := rows.Encode(&versions[i], s.jobs.box)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// A text is in another only if its grams are.
func TestGrams(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 1))
	for range 1_000 {
		text := make([]byte, 1+random.IntN(60))
		for i := range text {
			text[i] = byte('a' + random.IntN(26))
		}
		from := random.IntN(len(text))
		part := string(text[from : from+1+random.IntN(len(text)-from)])
		var b bits
		b.addJob(domain.JobID{1}, "", "x"+string(text), "http://host/", "")
		if !b.covers(placesOf(&store.JobQuery{Text: part})) {
			t.Fatalf("%q is not found in %q", part, text)
		}
	}
	var b bits
	for _, v := range manyJobs(blockJobs, 1) {
		b.addJob(v.JobID, "", v.Spec.Name, v.Spec.API, `["team-1", "eu"]`)
	}
	set := 0
	for i := range uint32(blockBits) {
		if b.has(i) {
			set++
		}
	}
	if part := float64(set) / blockBits; part > 0.25 {
		t.Errorf("%.2f of the bits of a block are set", part)
	}
	if b.covers(placesOf(&store.JobQuery{Tag: "nobody has it"})) || !b.covers(placesOf(&store.JobQuery{Tag: "eu"})) {
		t.Error("tags are not told apart")
	}
}

// reopen closes a store and opens its files again.
func reopen(t *testing.T, s *Store) *Store {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	return openStore(t, s.cfg.Path)
}
