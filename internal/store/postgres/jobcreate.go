package postgres

import (
	"cmp"
	"context"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

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
	c := newCreation(ctx, versions, made, 0)
	if c.single() {
		err = j.createAtOnce(ctx, []*creation{c})
	} else {
		err = j.groups.make(c)
	}
	for range attempts { // the keys of others may come and go meanwhile
		if !isCode(err, uniqueViolation, divisionByZero) {
			break
		}
		err = j.createAgain(ctx, made, &versions[0])
	}
	return fault("create jobs", err)
}

// createAtOnce creates the jobs of calls in one round trip, as if none of them was there.
func (j *jobs) createAtOnce(ctx context.Context, calls []*creation) error {
	return pipeline(ctx, j.edit, func(b *pgx.Batch) {
		numbers, t := shardsOf(calls)
		if len(numbers) > 1 {
			b.Queue(lockShards, numbers)
		}
		queueCreations(b, byOwner, calls, t)
	})
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
		tallyOf(fresh).queue(b, by)
		var importAt, importNonce *int64
		if at, nonce, ok := store.ImportOf(ctx); ok {
			importAt, importNonce = &at, &nonce
		}
		queueVersions(b, by, fresh, importAt, importNonce)
		if e, ok := store.CreationEntry(ctx, first, int64(len(fresh))); ok {
			queueEntry(b, &e)
		}
	}
	if r, ok := store.CreationRecord(ctx, first); ok {
		if err := keepRecord(ctx, q, b, &r); err != nil {
			return err
		}
	}
	return send(ctx, q, b)
}

// shardsOf returns which shards calls change or name by their leases, and how many jobs they add to them.
func shardsOf(calls []*creation) (numbers []int16, t tally) {
	t = make(tally)
	for _, c := range calls {
		for i := range c.made {
			t.add(c.made[i].JobID, 1, one(c.made[i].Active))
		}
		numbers = withFences(c.ctx, numbers)
	}
	numbers = append(numbers, t.shards()...)
	slices.Sort(numbers)
	return slices.Compact(numbers), t
}

// queueCreations adds what creates jobs to a batch whose transaction has locked their shards.
func queueCreations(b *pgx.Batch, by how, calls []*creation, t tally) {
	t.queue(b, by)
	var all []rows.Version
	var importAt, importNonce *int64
	for _, c := range calls {
		all = append(all, c.made...)
		if at, nonce, ok := store.ImportOf(c.ctx); ok { // it is alone
			importAt, importNonce = &at, &nonce
		}
	}
	queueVersions(b, by, all, importAt, importNonce)
	var fences []store.Fence
	var records []domain.IdempotencyRecord
	for _, c := range calls {
		if e, ok := store.CreationEntry(c.ctx, c.first, int64(len(c.made))); ok {
			queueEntry(b, &e)
		}
		if r, ok := store.CreationRecord(c.ctx, c.first); ok {
			records = append(records, r)
		}
		for _, f := range store.FencesOf(c.ctx) {
			if !slices.Contains(fences, f) {
				fences = append(fences, f)
			}
		}
	}
	queueLeases(b, fences)
	queueNewRecords(b, records)
}

// queueNewRecords adds records of new keys to a batch. The use of each caller is changed once, in one order, so that
// two groups do not lock each other out.
func queueNewRecords(b *pgx.Batch, records []domain.IdempotencyRecord) {
	slices.SortFunc(records, func(x, y domain.IdempotencyRecord) int {
		return cmp.Or(cmp.Compare(x.Caller, y.Caller), slices.Compare(x.Key[:], y.Key[:]))
	})
	var bytes int64
	for i := range records {
		r := &records[i]
		b.Queue(insertRecord, recordArgs(r)...)
		if bytes += r.Bytes(); i == len(records)-1 || records[i+1].Caller != r.Caller {
			queueUse(b, r.Caller, bytes)
			bytes = 0
		}
	}
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
