package postgres

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

const (
	selectStoredVersions = `
SELECT ` + versionColumns + `, v.namespace, coalesce(v.import_at, 0), coalesce(v.import_nonce, 0)
  FROM version v WHERE (v.job_id, v.number) > ($1, $2) ORDER BY v.job_id, v.number LIMIT $3`

	selectLastVersion = `SELECT job_id, number FROM version ORDER BY job_id DESC, number DESC LIMIT 1`

	insertStoredVersions = `
INSERT INTO version (job_id, number, shard, revision, effective_from, created_at, is_active, schedule, timezone, api,
       type, name, namespace, key, tags, headers, body, options, effective_to, import_at, import_nonce)
SELECT n.job_id, n.number, n.shard, 0, n.effective_from, n.created_at, n.is_active, n.schedule, n.timezone,
       n.api, n.type, n.name, n.namespace, n.key, n.tags, n.headers, n.body, n.options, n.effective_to, n.import_at,
       n.import_nonce
  FROM unnest($1::uuid[], $2::int[], $3::smallint[], $4::bigint[], $5::bigint[], $6::boolean[], $7::text[], $8::text[],
              $9::text[], $10::text[], $11::text[], $12::text[], $13::text[], $14::text[], $15::text[], $16::text[],
              $17::text[], $18::bigint[], $19::bigint[], $20::bigint[])
       n (job_id, number, shard, effective_from, created_at, is_active, schedule, timezone, api, type, name, namespace,
          key, tags, headers, body, options, effective_to, import_at, import_nonce)`
)

// versions are the versions of all jobs for a copy.
func (t *moving) versions() transfer.Long[transfer.Version, transfer.Key] {
	return transfer.Long[transfer.Version, transfer.Key]{
		After: t.versionsAfter, Write: t.writeVersions,
		Last: func(ctx context.Context) (last *transfer.Key, err error) {
			err = each(ctx, t.edit, func(r pgx.Rows) error {
				last = new(transfer.Key)
				return r.Scan((*[16]byte)(&last.JobID), &last.Number)
			}, selectLastVersion)
			return last, fault("read the versions", err)
		},
		Count: func(ctx context.Context) (int64, error) {
			n, err := number(ctx, t.edit, `SELECT count(*) FROM version`)
			return n, fault("count the versions", err)
		},
	}
}

func (t *moving) versionsAfter(ctx context.Context, last *transfer.Key, fn func([]transfer.Version) error) error {
	if last == nil {
		last = new(transfer.Key)
	}
	read := versionReader{}
	after := *last
	for {
		filled := transfer.NewMeter()
		piece := make([]transfer.Version, 0, filled.Rows)
		err := each(ctx, t.read, func(r pgx.Rows) error {
			if filled.Full() {
				return errFull
			}
			v := transfer.Version{To: domain.Forever}
			var namespace string
			row, to, err := read.row(r, &namespace, &v.ImportAt, &v.ImportNonce)
			row.Namespace = namespace
			v.Version = row
			if to != nil {
				v.To = *to
			}
			piece = append(piece, v)
			filled.Add(v.Size())
			return err
		}, selectStoredVersions, [16]byte(after.JobID), after.Number, filled.Rows)
		if err != nil && !errors.Is(err, errFull) {
			return fault("read the versions", err)
		}
		if len(piece) == 0 {
			return nil
		}
		after = transfer.Key{JobID: piece[len(piece)-1].JobID, Number: piece[len(piece)-1].Number}
		if err := fn(piece); err != nil {
			return err
		}
	}
}

func (t *moving) writeVersions(ctx context.Context, piece []transfer.Version) error {
	var a versionArrays
	var to, importAt, importNonce []*int64
	jobs := make(tally)
	for i := range piece {
		v := &piece[i]
		row := v.Version
		for _, text := range []*rows.Text{&row.Key, &row.Tags, &row.Headers, &row.Body, &row.Options} {
			*text = rows.Text(clean(string(*text)))
		}
		a.add(&row)
		var end, at, nonce *int64
		if v.To != domain.Forever {
			end = &v.To
		} else {
			jobs.add(v.JobID, 1, one(v.Active))
		}
		if v.ImportAt != 0 {
			at, nonce = &v.ImportAt, &v.ImportNonce
		}
		to, importAt, importNonce = append(to, end), append(importAt, at), append(importNonce, nonce)
	}
	return fault("write the versions", pipeline(ctx, t.edit, func(b *pgx.Batch) {
		jobs.queue(b, byOwner)
		b.Queue(insertStoredVersions, a.ids, a.numbers, a.shards, a.from, a.created, a.active, a.schedule, a.timezone,
			a.api, a.kind, a.name, a.space, a.key, a.tags, a.headers, a.body, a.options, to, importAt, importNonce)
	}))
}
