package sqlite

import (
	"context"
	"log/slog"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// sealer seals the secrets that are stored with the key that seals now.
type sealer struct {
	db       *jobsDB
	box      *seal.Box
	log      *slog.Logger
	unsealed int // versions whose secrets could not be read; of the goroutine that seals
}

// sealAll seals every secret of the jobs database with the key that seals
// now, in small transactions: whenever it is ended, everything can be read. It
// returns how many versions it has changed.
func (s *sealer) sealAll(ctx context.Context) (changed int, err error) {
	for after := (rows.Version{}); ; {
		var chunk []rows.Version
		err := s.db.read(ctx, func(c *conn) (err error) {
			chunk, err = readSecrets(c, &after)
			return err
		})
		if err != nil || len(chunk) == 0 {
			return changed, err
		}
		after = chunk[len(chunk)-1]
		n, err := s.sealChunk(ctx, chunk)
		changed += n
		if err != nil {
			return changed, err
		}
	}
}

const (
	selectSecretSettings = `SELECT ` + settingColumns + ` FROM alert_setting WHERE secrets IS NOT NULL`
	updateSecretSetting  = `UPDATE alert_setting SET secrets = ? WHERE kind = ? AND id = ? AND secrets = ?`
)

// sealSettings is sealAll for the settings about alerts, of which there are few.
func (s *sealer) sealSettings(ctx context.Context) (changed int, err error) {
	var found, before, after []rows.Setting
	err = s.db.read(ctx, func(c *conn) error {
		return c.query(selectSecretSettings, func(row *sqlite.Stmt) error {
			found = append(found, columnsSetting(row))
			return nil
		})
	})
	if err != nil {
		return 0, fault("seal the secrets", err)
	}
	for i := range found {
		row := found[i]
		switch stale, err := row.Reseal(s.box); {
		case err != nil:
			s.unsealed++
			s.log.Warn("the secrets of a channel of alerts cannot be read: they are unchanged", "id", row.ID,
				"error", err)
		case stale:
			before, after = append(before, found[i]), append(after, row)
		}
	}
	if len(after) == 0 {
		return 0, nil
	}
	// It may still run when this function has returned, since the context has ended: it changes nothing here.
	err = s.db.write(ctx, len(after), func(c *conn) (tally, error) {
		for i := range after {
			n := &after[i]
			if err := c.exec(updateSecretSetting, n.Secrets, n.Kind, n.ID, before[i].Secrets); err != nil {
				return tally{}, err
			}
		}
		return tally{}, nil
	})
	if err != nil {
		return 0, fault("seal the secrets", err)
	}
	return len(after), nil
}

const selectSecrets = `
SELECT job_id, number, headers, options FROM version
WHERE (job_id, number) > (?, ?) AND (headers IS NOT NULL OR options IS NOT NULL)
 ORDER BY job_id, number LIMIT 0 + ?`

// readSecrets reads the next versions: what decides about their secrets.
func readSecrets(c *conn, after *rows.Version) (chunk []rows.Version, err error) {
	err = c.query(selectSecrets, func(s *sqlite.Stmt) error {
		chunk = append(chunk, rows.Version{
			JobID: columnJobID(s, 0), Number: s.ColumnInt(1), Headers: rows.Text(s.ColumnText(2)),
			Options: rows.Text(s.ColumnText(3)),
		})
		return nil
	}, after.JobID, after.Number, timelineChunk)
	return chunk, err
}

const updateSecrets = `
UPDATE version SET headers = ?, options = ? WHERE job_id = ? AND number = ? AND headers IS ? AND options IS ?`

// unsealedTold is how many versions that cannot be read are logged one by one: a
// lost key may concern a million.
const unsealedTold = 10

// sealBatch is how many rows are changed in one operation: some 20 ms.
const sealBatch = 500

func (s *sealer) sealChunk(ctx context.Context, chunk []rows.Version) (changed int, err error) {
	var before, after []rows.Version
	for i := range chunk {
		row := chunk[i]
		stale, err := row.Reseal(s.box)
		if err != nil { // its job is set aside, and stays as it is
			if s.unsealed++; s.unsealed <= unsealedTold {
				s.log.Warn("the secrets of a version cannot be read: they are unchanged", "jobId",
					row.JobID.String(),
					"version", row.Number, "error", err)
			}
			continue
		}
		if stale {
			before, after = append(before, chunk[i]), append(after, row)
		}
	}
	for len(after) > 0 {
		n := min(sealBatch, len(after))
		old, next := before[:n], after[:n]
		before, after = before[n:], after[n:]
		err := s.db.write(ctx, n, func(c *conn) (tally, error) {
			for i := range next {
				n, o := &next[i], &old[i]
				if err := c.exec(updateSecrets, n.Headers, n.Options, n.JobID, n.Number, o.Headers,
					o.Options); err != nil {
					return tally{}, err
				}
			}
			return tally{}, nil
		})
		if err != nil {
			return changed, fault("seal the secrets", err)
		}
		changed += n
	}
	return changed, nil
}

// run seals secrets that were stored before there was a key, or with an older key. It
// logs what it cannot seal; the next start tries that again.
func (s *sealer) run(ctx context.Context) {
	n, err := s.sealAll(ctx)
	settings := 0
	if err == nil {
		settings, err = s.sealSettings(ctx)
	}
	switch {
	case err != nil && ctx.Err() == nil:
		s.log.Warn("not every stored secret is sealed with the newest key", "error", err)
	case s.unsealed > unsealedTold:
		s.log.Warn("the secrets of many versions cannot be read: they are unchanged", "versions", s.unsealed)
	case n+settings > 0:
		s.log.Info("sealed stored secrets; `belfry keys rotate-encryption` also clears their "+
			"remains from free pages",
			"versions", n, "channels", settings, "key", s.box.KeyID())
	}
}
