package sqlite

import (
	"context"

	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// alertSettings implements store.AlertSettings.
type alertSettings struct {
	db  *jobsDB
	box *seal.Box
}

const (
	settingColumns = `kind, id, revision, body, secrets`

	selectSetting  = `SELECT ` + settingColumns + ` FROM alert_setting WHERE kind = ? AND id = ?`
	selectSettings = `SELECT ` + settingColumns + ` FROM alert_setting WHERE kind = ? ORDER BY id`
	countSettings  = `SELECT count(*) FROM alert_setting WHERE kind = ?`
	putSetting     = `INSERT OR REPLACE INTO alert_setting (` + settingColumns + `) VALUES (?, ?, ?, ?, ?)`
	deleteSetting  = `DELETE FROM alert_setting WHERE kind = ? AND id = ?`

	selectSettingsRevision = `SELECT revision FROM alert_settings`
	raiseSettingsRevision  = `UPDATE alert_settings SET revision = revision + 1 RETURNING revision`

	selectBacklogs = `
SELECT channel, count(*), min(id) FROM notification INDEXED BY notification_due
 WHERE state = 'PENDING' GROUP BY channel ORDER BY channel`
)

func columnsSetting(s *sqlite.Stmt) rows.Setting {
	return rows.Setting{
		Kind: s.ColumnText(0), ID: s.ColumnText(1), Revision: s.ColumnInt64(2), Body: rows.Text(s.ColumnText(3)),
		Secrets: rows.Text(s.ColumnText(4)),
	}
}

// readSetting returns a setting, or nil.
func readSetting(c *conn, box *seal.Box, kind domain.AlertSettingKind, id string) (
	found *domain.AlertSetting, err error) {
	err = c.query(selectSetting, func(s *sqlite.Stmt) error {
		row := columnsSetting(s)
		is := row.Decode(box)
		found = &is
		return nil
	}, string(kind), id)
	return found, err
}

// AlertSetting implements store.AlertSettings.
func (o *alertSettings) AlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string) (
	found domain.AlertSetting, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		is, err := readSetting(c, o.box, kind, id)
		if err == nil && is == nil {
			err = store.NoSetting(kind, id)
		}
		if err == nil {
			found = *is
		}
		return err
	})
	return found, fault("read what is configured about alerts", err)
}

// AlertSettings implements store.AlertSettings.
func (o *alertSettings) AlertSettings(ctx context.Context, kind domain.AlertSettingKind) (
	found []domain.AlertSetting, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		return c.query(selectSettings, func(s *sqlite.Stmt) error {
			row := columnsSetting(s)
			found = append(found, row.Decode(o.box))
			return nil
		}, string(kind))
	})
	return found, fault("read what is configured about alerts", err)
}

const keepSettings = "keep what is configured about alerts"

// PutAlertSetting implements store.AlertSettings.
func (o *alertSettings) PutAlertSetting(ctx context.Context, s domain.AlertSetting, change domain.Change) (
	domain.AlertSetting, error) {
	if err := store.CheckSetting(&s); err != nil {
		return domain.AlertSetting{}, err
	}
	record, comesAgain := store.IdempotencyOf(ctx)
	answer := make(chan domain.AlertSetting, 1) // the operation may run when nobody waits any more
	err := o.db.write(ctx, 2, func(c *conn) (tally, error) {
		kept, err := o.put(c, s, change)
		if err == nil && comesAgain {
			err = keepRecord(c, &record)
		}
		if err == nil {
			answer <- kept
		}
		return tally{}, err
	})
	if err != nil {
		return domain.AlertSetting{}, fault(keepSettings, err)
	}
	return <-answer, nil
}

// put stores a setting in the place of what is kept of it, and returns what is kept then.
func (o *alertSettings) put(c *conn, s domain.AlertSetting, change domain.Change) (
	kept domain.AlertSetting, err error) {
	is, err := readSetting(c, o.box, s.Kind, s.ID)
	if err != nil {
		return kept, err
	}
	number, err := c.number(countSettings, string(s.Kind))
	if err != nil {
		return kept, err
	}
	action, err := store.PutsSetting(is, &s, int(number))
	if err != nil {
		return kept, err
	}
	if action == "" {
		return *is, nil
	}
	kept = s
	kept.Unread = ""
	if kept.Revision, err = c.number(raiseSettingsRevision); err != nil {
		return kept, err
	}
	if err := writeSetting(c, o.box, &kept); err != nil {
		return kept, err
	}
	return kept, insertSettingEntry(c, change, action, &s)
}

func writeSetting(c *conn, box *seal.Box, s *domain.AlertSetting) error {
	row, err := rows.EncodeSetting(s, box)
	if err != nil {
		return err
	}
	return writeSettingRow(c, &row)
}

func writeSettingRow(c *conn, row *rows.Setting) error {
	return c.exec(putSetting, row.Kind, row.ID, row.Revision, string(row.Body), row.Secrets)
}

func insertSettingEntry(c *conn, change domain.Change, action domain.Action, s *domain.AlertSetting) error {
	e, ok := store.SettingEntry(change, action, s)
	if !ok {
		return nil
	}
	return insertEntry(c, &e)
}

// DeleteAlertSetting implements store.AlertSettings.
func (o *alertSettings) DeleteAlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string, revision int64,
	change domain.Change) error {
	return fault(keepSettings, o.db.write(ctx, 2, func(c *conn) (tally, error) {
		is, err := readSetting(c, o.box, kind, id)
		switch {
		case err != nil || is == nil:
			return tally{}, err
		case revision != 0 && is.Revision != revision:
			return tally{}, store.SettingChanged(kind, id)
		}
		if _, err := c.number(raiseSettingsRevision); err != nil {
			return tally{}, err
		}
		if err := c.exec(deleteSetting, string(kind), id); err != nil {
			return tally{}, err
		}
		return tally{}, insertSettingEntry(c, change, domain.ActionSettingDelete, is)
	}))
}

// AlertSettingsRevision implements store.AlertSettings.
func (o *alertSettings) AlertSettingsRevision(ctx context.Context) (revision int64, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		revision, err = c.number(selectSettingsRevision)
		return err
	})
	return revision, fault("read what is configured about alerts", err)
}

// PendingByChannel implements store.AlertSettings.
func (o *alertSettings) PendingByChannel(ctx context.Context) (found []store.ChannelBacklog, err error) {
	err = o.db.read(ctx, func(c *conn) error {
		return c.query(selectBacklogs, func(s *sqlite.Stmt) error {
			b := store.ChannelBacklog{Channel: s.ColumnText(0), Pending: s.ColumnInt64(1)}
			s.ColumnBytes(2, b.Oldest[:])
			found = append(found, b)
			return nil
		})
	})
	return found, fault("count the notifications", err)
}
