package postgres

import (
	"context"
	"slices"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// jobs implements store.Jobs. This file has what its writes share, the other files of jobs the rest.
type jobs struct {
	read, edit *pgxpool.Pool
	box        *seal.Box
	pace       *clock.Pace // of imports; may be nil
	groups     *groups
}

const (
	// Without the owner the revision is that of the shard, which the transaction has raised; zero otherwise.
	insertVersions = `
INSERT INTO version (job_id, number, shard, revision, effective_from, created_at, is_active, schedule, timezone, api,
       type, name, namespace, key, tags, headers, body, options, import_at, import_nonce)
SELECT n.job_id, n.number, n.shard, s.revision * $20::int, n.effective_from, n.created_at, n.is_active, n.schedule, n.timezone,
       n.api, n.type, n.name, n.namespace, n.key, n.tags, n.headers, n.body, n.options, $18::bigint, $19::bigint
  FROM unnest($1::uuid[], $2::int[], $3::smallint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
              $17::text[])
       n (job_id, number, shard, effective_from, created_at, is_active, schedule, timezone, api, type, name, namespace,
          key, tags, headers, body, options)
  JOIN shard s ON s.number = n.shard`

	addToShards = `
UPDATE shard s SET revision = s.revision + $4::int, total = s.total + n.total, active = s.active + n.active
  FROM unnest($1::smallint[], $2::bigint[], $3::bigint[]) n (number, total, active) WHERE s.number = n.number`

	// It fails where a lease does not hold, so that nothing of the transaction is done.
	assertLeases = `
SELECT 1 / (count(*) = $4::bigint)::int FROM shard s
  JOIN unnest($1::smallint[], $2::bigint[], $3::bigint[]) n (number, epoch, token)
    ON s.number = n.number AND s.epoch = n.epoch AND s.token = n.token WHERE NOT s.clean`

	// Those who change jobs of several shards lock them in one order.
	lockShards = `SELECT number FROM shard WHERE number = ANY($1::smallint[]) ORDER BY number FOR UPDATE`
)

// versionArrays are rows of versions as the parameters of one statement.
type versionArrays struct {
	ids                                        [][16]byte
	numbers                                    []int32
	shards                                     []int16
	from, created                              []int64
	active                                     []bool
	schedule, timezone, api, kind, name, space []string
	key, tags, headers, body, options          []*string
}

func (a *versionArrays) add(r *rows.Version) {
	a.ids = append(a.ids, r.JobID)
	a.numbers = append(a.numbers, int32(r.Number)) //nolint:gosec // versions are counted
	a.shards = append(a.shards, shardOf(r.JobID))
	a.from, a.created = append(a.from, r.From), append(a.created, r.CreatedAt)
	a.active = append(a.active, r.Active)
	a.schedule, a.timezone = append(a.schedule, r.Schedule), append(a.timezone, r.Timezone)
	a.api, a.kind = append(a.api, r.API), append(a.kind, r.Kind)
	a.name, a.space = append(a.name, clean(r.Name)), append(a.space, r.Namespace)
	a.key, a.tags = append(a.key, orNull(r.Key)), append(a.tags, orNull(r.Tags))
	a.headers, a.body = append(a.headers, orNull(r.Headers)), append(a.body, orNull(r.Body))
	a.options = append(a.options, orNull(r.Options))
}

// how tells in which way jobs are changed.
type how int

// The ways. The number is what is added to the revisions of shards.
const (
	byOwner how = iota
	withoutOwner
)

// queueVersions adds the insertion of rows to a batch, after that of addToShards. With importAt and
// importNonce, which may be nil, they are of an import.
func queueVersions(b *pgx.Batch, by how, made []rows.Version, importAt, importNonce *int64) {
	var a versionArrays
	for i := range made {
		a.add(&made[i])
	}
	b.Queue(insertVersions, a.ids, a.numbers, a.shards, a.from, a.created, a.active, a.schedule, a.timezone, a.api,
		a.kind, a.name, a.space, a.key, a.tags, a.headers, a.body, a.options, importAt, importNonce, int(by))
}

func shardOf(id domain.JobID) int16 { return int16(id.Shard(shardCount)) } //nolint:gosec // it is below 64

// tally is how many jobs a transaction adds to each shard.
type tally map[int16]struct{ total, active int64 }

func (t tally) add(id domain.JobID, total, active int64) {
	n := t[shardOf(id)]
	n.total += total
	n.active += active
	t[shardOf(id)] = n
}

func (t tally) queue(b *pgx.Batch, by how) {
	var total, active []int64
	numbers := t.shards()
	for _, n := range numbers {
		total, active = append(total, t[n].total), append(active, t[n].active)
	}
	b.Queue(addToShards, numbers, total, active, int(by))
}

func (t tally) shards() (numbers []int16) {
	for n := range t {
		numbers = append(numbers, n)
	}
	slices.Sort(numbers)
	return numbers
}

func tallyOf(made []rows.Version) tally {
	t := make(tally)
	for i := range made {
		t.add(made[i].JobID, 1, one(made[i].Active))
	}
	return t
}

func one(b bool) int64 {
	if b {
		return 1
	}
	return 0
}

// withFences adds the shards of the leases that a context has to shards that are to be locked.
func withFences(ctx context.Context, numbers []int16) []int16 {
	for _, f := range store.FencesOf(ctx) {
		numbers = append(numbers, int16(f.Number)) //nolint:gosec // it is below 64
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// queueLeases adds the comparison with leases to a batch that has locked their rows. They are different ones: two of
// one shard do not both hold.
func queueLeases(b *pgx.Batch, fences []store.Fence) {
	var numbers []int16
	var epochs, tokens []int64
	for _, f := range fences {
		numbers = append(numbers, int16(f.Number)) //nolint:gosec // it is below 64
		epochs, tokens = append(epochs, f.Epoch), append(tokens, f.Token)
	}
	if len(numbers) > 0 {
		b.Queue(assertLeases, numbers, epochs, tokens, len(numbers))
	}
}

// checkFences returns a StaleError if the context has the lease of an owner that does not hold.
func checkFences(ctx context.Context, known map[int]*store.Shard) error {
	return checkLeases(store.FencesOf(ctx), known)
}

func checkLeases(fences []store.Fence, known map[int]*store.Shard) error {
	var stale []int
	for _, f := range fences {
		if sh := known[f.Number]; (sh == nil || !sh.Holds(f.Lease)) && !slices.Contains(stale, f.Number) {
			stale = append(stale, f.Number)
		}
	}
	if len(stale) > 0 {
		return store.Stale(stale...)
	}
	return nil
}
