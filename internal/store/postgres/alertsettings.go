package postgres

import (
	"context"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// alertSettings implements store.AlertSettings.
type alertSettings struct {
	read, edit *pgxpool.Pool
	box        *seal.Box
}

const (
	settingColumns = `kind, id, revision, body, secrets`

	selectSetting  = `SELECT ` + settingColumns + ` FROM alert_setting WHERE kind = $1 AND id = $2`
	selectSettings = `SELECT ` + settingColumns + ` FROM alert_setting WHERE kind = $1 ORDER BY id COLLATE "C"`
	countSettings  = `SELECT count(*) FROM alert_setting WHERE kind = $1`
	putSetting     = `
INSERT INTO alert_setting (` + settingColumns + `) VALUES ($1, $2, $3, $4, $5)
    ON CONFLICT (kind, id) DO UPDATE SET revision = excluded.revision, body = excluded.body,
       secrets = excluded.secrets`
	deleteSetting = `DELETE FROM alert_setting WHERE kind = $1 AND id = $2`

	// The row is locked by each change before it reads anything.
	lockSettings         = `SELECT revision FROM alert_settings WHERE one = 1 FOR UPDATE`
	setSettingsRevision  = `UPDATE alert_settings SET revision = $1 WHERE one = 1`
	readSettingsRevision = `SELECT revision FROM alert_settings WHERE one = 1`

	selectBacklogs = `
SELECT channel, count(*), (array_agg(id ORDER BY id))[1] FROM notification
 WHERE state = 'PENDING' GROUP BY channel ORDER BY channel COLLATE "C"`
)

func scanSetting(r pgx.Rows) (row rows.Setting, err error) {
	var secrets *string
	err = r.Scan(&row.Kind, &row.ID, &row.Revision, (*string)(&row.Body), &secrets)
	row.Secrets = textOf(secrets)
	return row, err
}

func (o *alertSettings) list(ctx context.Context, q querier, query string, args ...any) (
	found []domain.AlertSetting, err error) {
	err = each(ctx, q, func(r pgx.Rows) error {
		row, err := scanSetting(r)
		found = append(found, row.Decode(o.box))
		return err
	}, query, args...)
	return found, err
}

// AlertSetting implements store.AlertSettings.
func (o *alertSettings) AlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string) (
	domain.AlertSetting, error) {
	found, err := o.list(ctx, o.read, selectSetting, string(kind), id)
	if err == nil && len(found) == 0 {
		err = store.NoSetting(kind, id)
	}
	if err != nil {
		return domain.AlertSetting{}, fault("read what is configured about alerts", err)
	}
	return found[0], nil
}

// AlertSettings implements store.AlertSettings.
func (o *alertSettings) AlertSettings(ctx context.Context, kind domain.AlertSettingKind) (
	[]domain.AlertSetting, error) {
	found, err := o.list(ctx, o.read, selectSettings, string(kind))
	return found, fault("read what is configured about alerts", err)
}

const keepSettings = "keep what is configured about alerts"

// locked runs fn in a transaction that no other change of settings is in, with their revision and what is kept of
// one, nil: nothing is.
func (o *alertSettings) locked(ctx context.Context, kind domain.AlertSettingKind, id string,
	fn func(tx pgx.Tx, revision int64, is *domain.AlertSetting) error) error {
	return fault(keepSettings, transact(ctx, o.edit, func(tx pgx.Tx) error {
		revision, err := number(ctx, tx, lockSettings)
		if err != nil {
			return err
		}
		found, err := o.list(ctx, tx, selectSetting, string(kind), id)
		if err != nil {
			return err
		}
		var is *domain.AlertSetting
		if len(found) > 0 {
			is = &found[0]
		}
		return fn(tx, revision, is)
	}))
}

// PutAlertSetting implements store.AlertSettings.
func (o *alertSettings) PutAlertSetting(ctx context.Context, s domain.AlertSetting, c domain.Change) (
	kept domain.AlertSetting, err error) {
	if err := store.CheckSetting(&s); err != nil {
		return kept, err
	}
	err = o.locked(ctx, s.Kind, s.ID, func(tx pgx.Tx, revision int64, is *domain.AlertSetting) error {
		n, err := number(ctx, tx, countSettings, string(s.Kind))
		if err != nil {
			return err
		}
		action, err := store.PutsSetting(is, &s, int(n))
		if err != nil {
			return err
		}
		if action == "" {
			kept = *is
			return nil
		}
		kept = s
		kept.Revision, kept.Unread = revision+1, ""
		row, err := rows.EncodeSetting(&kept, o.box)
		if err != nil {
			return err
		}
		b := new(pgx.Batch)
		queueSetting(b, &row)
		queueSettingChange(b, kept.Revision, c, action, &s)
		if r, comesAgain := store.IdempotencyOf(ctx); comesAgain {
			if err := keepRecord(ctx, tx, b, &r); err != nil {
				return err
			}
		}
		return send(ctx, tx, b)
	})
	if err != nil {
		return domain.AlertSetting{}, err
	}
	return kept, nil
}

func queueSetting(b *pgx.Batch, row *rows.Setting) {
	b.Queue(putSetting, row.Kind, row.ID, row.Revision, clean(string(row.Body)), orNull(row.Secrets))
}

// queueSettingChange raises the revision of the settings, and enters the change in the trail.
func queueSettingChange(b *pgx.Batch, revision int64, c domain.Change, action domain.Action, s *domain.AlertSetting) {
	b.Queue(setSettingsRevision, revision)
	if e, ok := store.SettingEntry(c, action, s); ok {
		queueEntry(b, &e)
	}
}

// DeleteAlertSetting implements store.AlertSettings.
func (o *alertSettings) DeleteAlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string, revision int64,
	c domain.Change) error {
	return o.locked(ctx, kind, id, func(tx pgx.Tx, last int64, is *domain.AlertSetting) error {
		switch {
		case is == nil:
			return nil
		case revision != 0 && is.Revision != revision:
			return store.SettingChanged(kind, id)
		}
		b := new(pgx.Batch)
		b.Queue(deleteSetting, string(kind), id)
		queueSettingChange(b, last+1, c, domain.ActionSettingDelete, is)
		return send(ctx, tx, b)
	})
}

// AlertSettingsRevision implements store.AlertSettings.
func (o *alertSettings) AlertSettingsRevision(ctx context.Context) (int64, error) {
	n, err := number(ctx, o.read, readSettingsRevision)
	return n, fault("read what is configured about alerts", err)
}

// PendingByChannel implements store.AlertSettings.
func (o *alertSettings) PendingByChannel(ctx context.Context) (found []store.ChannelBacklog, err error) {
	err = each(ctx, o.read, func(r pgx.Rows) error {
		var b store.ChannelBacklog
		err := r.Scan(&b.Channel, &b.Pending, (*[16]byte)(&b.Oldest))
		found = append(found, b)
		return err
	}, selectBacklogs)
	return found, fault("count the notifications", err)
}
