//go:build unix

package postgres

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres/postgrestest"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

func newJob(n uint64) domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "0 * * * * *", "http://127.0.0.1:4444/ok", domain.AtLeastOnce
	v := domain.Version{Number: 1, EffectiveFrom: 1_000, EffectiveTo: domain.Forever, CreatedAt: 1_000, Active: true,
		Spec: spec}
	binary.BigEndian.PutUint64(v.JobID[8:], rand.Uint64())
	binary.BigEndian.PutUint64(v.JobID[:], n)
	v.JobID[6], v.JobID[8] = 0x70, 0x80
	return v
}

// gatedGroups is a group whose commits wait for the test.
type gatedGroups struct {
	groups
	began chan []*creation
	end   chan error
}

func newGated(most int) *gatedGroups {
	g := &gatedGroups{began: make(chan []*creation), end: make(chan error)}
	g.most = most
	g.commit = func(_ context.Context, calls []*creation) error {
		g.began <- calls
		return <-g.end
	}
	return g
}

func (g *gatedGroups) call(ctx context.Context, jobs int, ahead int64) chan error {
	versions := make([]domain.Version, jobs)
	c := newCreation(ctx, versions, make([]rows.Version, jobs), ahead)
	answer := make(chan error, 1)
	g.mu.Lock()
	before, busy := len(g.waiting), g.busy
	g.mu.Unlock()
	go func() { answer <- g.make(c) }()
	for { // until it is in the list, or taken from it
		g.mu.Lock()
		arrived := len(g.waiting) > before || g.busy && !busy
		g.mu.Unlock()
		if arrived {
			return answer
		}
		time.Sleep(50 * time.Microsecond)
	}
}

// TestGroupsJoinWhatComesDuringACommit: the first call waits for nobody, those that come meanwhile share a commit and
// its outcome, and nothing is left behind.
func TestGroupsJoinWhatComesDuringACommit(t *testing.T) {
	t.Parallel()
	g := newGated(3)
	first := g.call(t.Context(), 1, 0)
	if calls := <-g.began; len(calls) != 1 {
		t.Fatalf("the first commit has %d calls", len(calls))
	}
	gone, cancel := context.WithCancel(t.Context())
	ended := g.call(gone, 1, 0)
	var later []chan error
	for _, ahead := range []int64{0, 0, 0, 0, 5} {
		later = append(later, g.call(t.Context(), 1, ahead))
	}
	cancel()
	if err := <-ended; !errors.Is(err, context.Canceled) {
		t.Errorf("a call that has ended got %v", err)
	}
	g.end <- nil
	if err := <-first; err != nil {
		t.Error(err)
	}
	broken := errors.New("the disk is full")
	for _, want := range []struct {
		calls int
		err   error
	}{{3, nil}, {1, broken}, {1, nil}} { // three at most, and one whose H is another
		if calls := <-g.began; len(calls) != want.calls {
			t.Fatalf("a commit has %d calls, want %d", len(calls), want.calls)
		}
		g.end <- want.err
		for range want.calls {
			if err := <-later[0]; !errors.Is(err, want.err) {
				t.Errorf("error %v, want %v", err, want.err)
			}
			later = later[1:]
		}
	}
	again := g.call(t.Context(), 1, 0)
	<-g.began
	g.end <- nil
	if err := <-again; err != nil {
		t.Errorf("after a pause: %v", err)
	}
}

// TestGroupsAreBounded by the bytes of their jobs.
func TestGroupsAreBounded(t *testing.T) {
	t.Parallel()
	g := &groups{most: 100}
	for range 5 {
		made := []rows.Version{{Body: rows.Text(make([]byte, groupBytes/2))}}
		g.waiting = append(g.waiting, newCreation(t.Context(), make([]domain.Version, 1), made, 0))
	}
	var sizes []int
	for calls := g.next(); len(calls) > 0; calls = g.next() {
		sizes = append(sizes, len(calls))
	}
	if !slices.Equal(sizes, []int{2, 2, 1}) || g.busy {
		t.Errorf("groups of %v calls", sizes)
	}
}

func openForGroups(t testing.TB, server *postgrestest.Server) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{URL: server.Database(t),
		EncryptionKeys: []string{"MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// TestCallsOfOneGroupAreApart: of many calls at once, some of which are refused, each gets its own answer, as if it
// were alone: with the owner of the shards and without.
func TestCallsOfOneGroupAreApart(t *testing.T) {
	t.Parallel()
	s := openForGroups(t, postgrestest.Shared(t))
	for kind, create := range map[string]func(context.Context, domain.Version) error{
		"by the owner": func(ctx context.Context, v domain.Version) error {
			return s.Jobs().Create(ctx, []domain.Version{v})
		},
		"without the owner": func(ctx context.Context, v domain.Version) error {
			made, err := s.Edits().Create(ctx, []domain.Version{v}, 3_000)
			if err == nil && (len(made) != 1 || made[0].Number != v.JobID.Shard(shardCount) ||
				made[0].At <= v.EffectiveFrom) {
				err = fmt.Errorf("the effect is %+v", made)
			}
			return err
		},
	} {
		const calls = 60
		versions := make([]domain.Version, calls)
		errs := make([]error, calls)
		var all sync.WaitGroup
		for i := range versions {
			versions[i] = newJob(uint64(i))
			switch i % 6 {
			case 1:
				versions[i].Spec.Key = kind + " the same" // of ten, one gets it
			case 2:
				versions[i] = versions[0] // a repeat
			}
		}
		ctx := func(i int) context.Context {
			if i%6 == 3 && kind == "by the owner" {
				return store.WithFences(t.Context(), store.Fence{Number: versions[i].JobID.Shard(shardCount),
					Lease: store.Lease{Epoch: 9, Token: 9}}) // does not hold
			}
			return store.WithChange(t.Context(), domain.Change{At: 5_000, Nonce: rand.Int64(),
				By: domain.Author{Key: "env"}})
		}
		for i := range versions {
			all.Go(func() { errs[i] = create(ctx(i), versions[i]) })
		}
		all.Wait()
		made, taken := 0, 0
		for i, err := range errs {
			switch {
			case i%6 == 1 && store.TakenBy(err) != nil:
				taken++
			case i%6 == 3 && kind == "by the owner":
				if store.StaleShards(err) == nil {
					t.Errorf("%s: a call under a lease that does not hold got %v", kind, err)
				}
			case err != nil:
				t.Errorf("%s: call %d got %v", kind, i, err)
			default:
				made++
			}
		}
		if taken != calls/6-1 {
			t.Errorf("%s: %d calls were refused for their key, want all but one of ten", kind, taken)
		}
		if kind == "by the owner" && made != calls-taken-calls/6 || kind != "by the owner" && made != calls-taken {
			t.Errorf("%s: %d calls have made their job", kind, made)
		}
		for i := range versions {
			_, err := s.Jobs().Get(t.Context(), versions[i].JobID)
			if (errs[i] == nil) != (err == nil) {
				t.Errorf("%s: call %d answered %v, and the job answers %v", kind, i, errs[i], err)
			}
		}
	}
	total, _, err := s.Jobs().Count(t.Context())
	inTable, tableErr := number(t.Context(), s.read, "SELECT count(*) FROM version")
	entries, entryErr := number(t.Context(), s.read, "SELECT count(*) FROM change")
	if err = errors.Join(err, tableErr, entryErr); err != nil || total != inTable || entries != total {
		t.Errorf("%d jobs are counted, %d are there, %d entries of the trail, error %v", total, inTable, entries, err)
	}
}

// BenchmarkCreate creates single jobs from 32 callers, each durable before it returns: in groups, and each in a
// commit of its own.
func BenchmarkCreate(b *testing.B) {
	server, err := postgrestest.Start(postgrestest.Options{Fsync: true})
	postgrestest.Need(b, err)
	b.Cleanup(func() { _ = server.Stop() })
	s := openForGroups(b, server)
	alone := func(create func(context.Context, []*creation) error) func(context.Context, []domain.Version) error {
		return func(ctx context.Context, versions []domain.Version) error {
			made, err := rows.EncodeNew(versions, s.box, func(int) {})
			if err == nil {
				err = create(ctx, []*creation{newCreation(ctx, versions, made, 3_000)})
			}
			return err
		}
	}
	var ids atomic.Uint64
	for _, trail := range []bool{false, true} {
		for _, c := range []struct {
			name   string
			create func(context.Context, []domain.Version) error
		}{
			{"single", alone(s.jobs.createAtOnce)},
			{"grouped", s.Jobs().Create},
			{"away/single", alone(s.edits.createAtOnce)},
			{"away/grouped", func(ctx context.Context, versions []domain.Version) error {
				_, err := s.Edits().Create(ctx, versions, 3_000)
				return err
			}},
		} {
			b.Run(fmt.Sprintf("%s/trail=%t", c.name, trail), func(b *testing.B) {
				b.SetParallelism(16)
				b.RunParallel(func(p *testing.PB) {
					for p.Next() {
						ctx := b.Context()
						if trail {
							ctx = store.WithChange(ctx, domain.Change{At: 5_000, Nonce: rand.Int64(),
								By: domain.Author{Key: "env"}})
						}
						if err := c.create(ctx, []domain.Version{newJob(ids.Add(1))}); err != nil {
							b.Error(err)
						}
					}
				})
				b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "jobs/s")
			})
		}
	}
}
