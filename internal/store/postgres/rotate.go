package postgres

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const (
	selectSecrets = `
SELECT job_id, number, headers, options FROM version
 WHERE (job_id, number) > ($1, $2) AND (headers IS NOT NULL OR options IS NOT NULL)
 ORDER BY job_id, number LIMIT $3`

	updateSecrets = `
UPDATE version v SET headers = n.headers, options = n.options
  FROM unnest($1::uuid[], $2::int[], $3::text[], $4::text[], $5::text[], $6::text[])
       n (job_id, number, headers, options, old_headers, old_options)
 WHERE v.job_id = n.job_id AND v.number = n.number AND v.headers IS NOT DISTINCT FROM n.old_headers
   AND v.options IS NOT DISTINCT FROM n.old_options`
)

// sealPiece is how many versions are sealed in one transaction.
const sealPiece = 1_000

// RotateEncryption seals every secret of a database with the first one of the keys, while servers run on it. Each of
// them has to seal with that key already: one that cannot open it would set the jobs aside. If it is ended,
// everything stays readable, and it can be called again.
func RotateEncryption(ctx context.Context, cfg Config) (r store.Rotation, err error) {
	cfg.purpose = rotating
	s, err := Open(ctx, cfg)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	r.KeyID = s.box.KeyID()
	// From now on a process without the key does not start. One may have begun before.
	if err := allSealWith(ctx, s.edit, r.KeyID); err != nil {
		return r, err
	}
	if err := s.sealAll(ctx, &r); err != nil {
		return r, fault("seal the secrets", err)
	}
	if err := s.sealSettings(ctx, &r); err != nil {
		return r, fault("seal the secrets", err)
	}
	if _, err := s.edit.Exec(ctx, "VACUUM version, alert_setting"); err != nil {
		return r, fault("clear the old values", err)
	}
	if r.Unread == 0 { // an old key may be what opens them once they are mended
		for _, k := range s.box.Keys()[1:] {
			r.Retired = append(r.Retired, k.ID())
		}
	}
	return r, nil
}

func (s *Store) sealAll(ctx context.Context, r *store.Rotation) error {
	for after := (rows.Version{}); ; {
		var piece []rows.Version
		err := each(ctx, s.read, func(found pgx.Rows) error {
			var v rows.Version
			var headers, options *string
			err := found.Scan((*[16]byte)(&v.JobID), &v.Number, &headers, &options)
			v.Headers, v.Options = textOf(headers), textOf(options)
			piece = append(piece, v)
			return err
		}, selectSecrets, [16]byte(after.JobID), after.Number, sealPiece)
		if err == nil && len(piece) > 0 {
			after = piece[len(piece)-1]
			err = s.sealPiece(ctx, piece, r)
		}
		if err != nil || len(piece) == 0 {
			return err
		}
	}
}

// unreadTold is how many versions that cannot be read are logged one by one: a lost key may concern a million.
const unreadTold = 10

func (s *Store) sealPiece(ctx context.Context, piece []rows.Version, r *store.Rotation) error {
	var ids [][16]byte
	var numbers []int32
	var headers, options, oldHeaders, oldOptions []*string
	for i := range piece {
		v := piece[i]
		stale, err := v.Reseal(s.box)
		if err != nil { // its job is set aside, and stays as it is
			if r.Unread++; r.Unread <= unreadTold {
				s.log.Warn("the secrets of a version cannot be read: they are unchanged", "jobId", v.JobID.String(),
					"version", v.Number, "error", err)
			}
			continue
		}
		if !stale {
			continue
		}
		ids, numbers = append(ids, v.JobID), append(numbers, int32(v.Number)) //nolint:gosec // versions are counted
		headers, options = append(headers, orNull(v.Headers)), append(options, orNull(v.Options))
		oldHeaders = append(oldHeaders, orNull(piece[i].Headers))
		oldOptions = append(oldOptions, orNull(piece[i].Options))
	}
	if len(ids) == 0 {
		return nil
	}
	return transact(ctx, s.edit, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, updateSecrets, ids, numbers, headers, options, oldHeaders, oldOptions)
		if err == nil && tag.RowsAffected() != int64(len(ids)) {
			err = fmt.Errorf("%d of %d versions have changed meanwhile", int64(len(ids))-tag.RowsAffected(), len(ids))
		}
		if err == nil {
			r.Versions += len(ids)
		}
		return err
	})
}

const (
	selectSecretSettings = `SELECT ` + settingColumns + ` FROM alert_setting WHERE secrets IS NOT NULL`
	updateSecretSetting  = `UPDATE alert_setting SET secrets = $1 WHERE kind = $2 AND id = $3`
)

// sealSettings is sealAll for the settings about alerts, of which there are few.
func (s *Store) sealSettings(ctx context.Context, r *store.Rotation) error {
	sealed, unread := 0, 0
	err := transact(ctx, s.edit, func(tx pgx.Tx) error {
		sealed, unread = 0, 0
		if _, err := number(ctx, tx, lockSettings); err != nil {
			return err
		}
		b := new(pgx.Batch)
		err := each(ctx, tx, func(found pgx.Rows) error {
			row, err := scanSetting(found)
			if err != nil {
				return err
			}
			stale, fault := row.Reseal(s.box)
			switch {
			case fault != nil:
				unread++
				s.log.Warn("the secrets of a channel of alerts cannot be read: they are unchanged", "id", row.ID,
					"error", fault)
			case stale:
				sealed++
				b.Queue(updateSecretSetting, orNull(row.Secrets), row.Kind, row.ID)
			}
			return nil
		}, selectSecretSettings)
		if err != nil {
			return err
		}
		return send(ctx, tx, b)
	})
	r.Settings, r.Unread = sealed, r.Unread+unread
	return err
}
