package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store"
)

const (
	insertAsides = `
INSERT INTO aside (job_id, version, since, certain)
SELECT * FROM unnest($1::uuid[], $2::int[], $3::bigint[], $4::bigint[]) ON CONFLICT DO NOTHING`
	selectAsides = `SELECT job_id, version, since, certain FROM aside ORDER BY job_id, version`
	deleteAsides = `
DELETE FROM aside a USING unnest($1::uuid[], $2::int[]) n (job_id, version)
 WHERE a.job_id = n.job_id AND a.version = n.version`
)

// asideArrays are versions that were set aside as the parameters of one statement.
func asideArrays(asides []store.Aside) (ids [][16]byte, versions []int, since, certain []int64) {
	for _, a := range asides {
		ids, versions = append(ids, a.JobID), append(versions, a.Version)
		since, certain = append(since, a.Since), append(certain, a.Certain)
	}
	return ids, versions, since, certain
}

// SetAside implements store.Ledger.
func (l *ledger) SetAside(ctx context.Context, asides []store.Aside) error {
	ids, versions, since, certain := asideArrays(asides)
	return fault("set versions aside", pipeline(ctx, l.record, func(b *pgx.Batch) {
		b.Queue(insertAsides, ids, versions, since, certain)
	}))
}

// Asides implements store.Ledger.
func (l *ledger) Asides(ctx context.Context) (found []store.Aside, err error) {
	err = each(ctx, l.read, func(r pgx.Rows) error {
		var a store.Aside
		err := r.Scan((*[16]byte)(&a.JobID), &a.Version, &a.Since, &a.Certain)
		found = append(found, a)
		return err
	}, selectAsides)
	return found, fault("read what was set aside", err)
}

// EndAside implements store.Ledger.
func (l *ledger) EndAside(ctx context.Context, asides []store.Aside) error {
	ids, versions, _, _ := asideArrays(asides)
	return fault("end what was set aside", pipeline(ctx, l.record, func(b *pgx.Batch) {
		b.Queue(deleteAsides, ids, versions)
	}))
}
