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

// jobs implements store.Jobs. This file has its writes, jobsread.go and joblist.go the rest.
type jobs struct {
	read, edit *pgxpool.Pool
	box        *seal.Box
	pace       *clock.Pace // of imports; may be nil
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

// Create implements store.Jobs. What is new, as it almost always is, takes one round trip.
// Where something of it is there already, a second transaction finds out what.
func (j *jobs) Create(ctx context.Context, versions []domain.Version) error {
	if len(versions) == 0 {
		return nil
	}
	made, err := rows.EncodeNew(versions, j.box, j.pace.Step)
	if err != nil {
		return err
	}
	err = pipeline(ctx, j.edit, func(b *pgx.Batch) {
		queueCreation(ctx, b, byOwner, made, &versions[0])
		queueLeases(ctx, b)
		if r, ok := store.CreationRecord(ctx, &versions[0]); ok {
			queueRecord(b, &r, nil)
		}
	})
	for range attempts { // the keys of others may come and go meanwhile
		if !isCode(err, uniqueViolation, divisionByZero) {
			break
		}
		err = j.createAgain(ctx, made, &versions[0])
	}
	return fault("create jobs", err)
}

// queueCreation adds what creates jobs to a batch. first is the first of the call.
func queueCreation(ctx context.Context, b *pgx.Batch, by how, made []rows.Version, first *domain.Version) {
	t := tallyOf(made)
	if numbers := withFences(ctx, t.shards()); len(numbers) > 1 {
		b.Queue(lockShards, numbers)
	}
	t.queue(b, by)
	var importAt, importNonce *int64
	if at, nonce, ok := store.ImportOf(ctx); ok {
		importAt, importNonce = &at, &nonce
	}
	queueVersions(b, by, made, importAt, importNonce)
	if e, ok := store.CreationEntry(ctx, first, int64(len(made))); ok {
		queueEntry(b, &e)
	}
}

// createAgain creates those jobs that are not there yet.
func (j *jobs) createAgain(ctx context.Context, made []rows.Version, first *domain.Version) error {
	return transact(ctx, j.edit, func(tx pgx.Tx) error {
		known, err := readShards(ctx, tx, withFences(ctx, tallyOf(made).shards()))
		if err != nil {
			return err
		}
		is, err := readPresent(ctx, tx, made)
		if err != nil {
			return err
		}
		return j.createFresh(ctx, tx, byOwner, is, known, made, first)
	})
}

// createFresh creates those jobs that are not there yet, in a transaction that has locked their shards.
func (j *jobs) createFresh(ctx context.Context, q querier, by how, is *present, known map[int]*store.Shard,
	made []rows.Version, first *domain.Version) error {
	fresh, err := is.fresh(made, j.box)
	if err != nil {
		return err
	}
	b := new(pgx.Batch)
	if len(fresh) > 0 {
		if err := checkFences(ctx, known); err != nil {
			return err
		}
		queueCreation(ctx, b, by, fresh, first)
	}
	if r, ok := store.CreationRecord(ctx, first); ok {
		if err := keepRecord(ctx, q, b, &r); err != nil {
			return err
		}
	}
	return send(ctx, q, b)
}

// withFences adds the shards of the leases that a context has to shards that are to be locked.
func withFences(ctx context.Context, numbers []int16) []int16 {
	for _, f := range store.FencesOf(ctx) {
		numbers = append(numbers, int16(f.Number)) //nolint:gosec // it is below 64
	}
	slices.Sort(numbers)
	return slices.Compact(numbers)
}

// queueLeases adds the comparison with the leases that a context has to a batch that has locked their rows.
func queueLeases(ctx context.Context, b *pgx.Batch) {
	var numbers []int16
	var epochs, tokens []int64
	for _, f := range store.FencesOf(ctx) {
		number := int16(f.Number) //nolint:gosec // it is below 64
		if !slices.Contains(numbers, number) {
			numbers = append(numbers, number)
			epochs, tokens = append(epochs, f.Epoch), append(tokens, f.Token)
		}
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

// place is a key in its namespace.
type place struct{ namespace, key string }

// present is what there is already of jobs that are to be created.
type present struct {
	first   map[domain.JobID]rows.Version // the first versions, as far as they are kept
	known   map[domain.JobID]bool         // jobs of which any version is kept
	holders map[place]domain.JobID        // of keys
}

const (
	selectFirst = `SELECT ` + versionColumns + ` FROM version v WHERE v.job_id = ANY($1::uuid[]) AND v.number = 1`
	selectKnown = `SELECT DISTINCT job_id FROM version WHERE job_id = ANY($1::uuid[])`

	selectHolders = `
SELECT v.namespace, v.key, v.job_id FROM version v
  JOIN unnest($1::text[], $2::text[]) n (namespace, key) ON v.key = n.key AND v.namespace = n.namespace
 WHERE v.effective_to IS NULL AND v.key IS NOT NULL`
)

func readPresent(ctx context.Context, q querier, made []rows.Version) (*present, error) {
	is := &present{
		first: make(map[domain.JobID]rows.Version), known: make(map[domain.JobID]bool),
		holders: make(map[place]domain.JobID),
	}
	var ids [][16]byte
	var namespaces, keys []string
	for i := range made {
		ids = append(ids, made[i].JobID)
		if r := &made[i]; r.Key != "" {
			namespaces, keys = append(namespaces, r.Namespace), append(keys, string(r.Key))
		}
	}
	read := new(versionReader)
	b := new(pgx.Batch)
	b.Queue(selectFirst, ids).Query(func(r pgx.Rows) error {
		for r.Next() {
			row, _, err := read.row(r)
			if err != nil {
				return err
			}
			is.first[row.JobID] = row
		}
		return r.Err()
	})
	b.Queue(selectKnown, ids).Query(func(r pgx.Rows) error {
		var id domain.JobID
		_, err := pgx.ForEachRow(r, []any{(*[16]byte)(&id)}, func() error { is.known[id] = true; return nil })
		return err
	})
	b.Queue(selectHolders, namespaces, keys).Query(func(r pgx.Rows) error {
		var at place
		var id domain.JobID
		_, err := pgx.ForEachRow(r, []any{&at.namespace, &at.key, (*[16]byte)(&id)}, func() error {
			is.holders[at] = id
			return nil
		})
		return err
	})
	return is, send(ctx, q, b)
}

// fresh returns the rows that are to be inserted. A row that is there with the same content is a
// repeat, whatever has become of its key. Keys that are taken are refused all at once.
func (is *present) fresh(made []rows.Version, box *seal.Box) (fresh []rows.Version, err error) {
	taken := make(map[int]domain.JobID)
	for i := range made {
		r := &made[i]
		if is.known[r.JobID] {
			if first, kept := is.first[r.JobID]; !kept || !first.Equal(r, box) {
				return nil, domain.Conflict("job %s exists already", r.JobID)
			}
			continue
		}
		if r.Key != "" {
			at := place{r.Namespace, string(r.Key)}
			if holder, has := is.holders[at]; has && holder != r.JobID {
				taken[i] = holder
				continue
			}
			is.holders[at] = r.JobID
		}
		is.known[r.JobID], is.first[r.JobID] = true, *r
		fresh = append(fresh, *r)
	}
	if len(taken) > 0 {
		return nil, store.Taken(taken)
	}
	return fresh, nil
}
