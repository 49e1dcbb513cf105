package sqlite

import (
	"zombiezen.com/go/sqlite"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const insertVersion = `
INSERT INTO version (job_id, number, effective_from, is_active, schedule, timezone, api, type, name, tags, headers,
                     body, options, key)
VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`

// insertRow inserts the row of a version.
func insertRow(c *conn, r *rows.Version) error {
	s, err := c.prepare(insertVersion)
	if err != nil {
		return err
	}
	s.BindBytes(1, r.JobID[:])
	s.BindInt64(2, int64(r.Number))
	s.BindInt64(3, r.From)
	s.BindBool(4, r.Active)
	s.BindText(5, r.Schedule)
	s.BindText(6, r.Timezone)
	s.BindText(7, r.API)
	s.BindText(8, r.Kind)
	s.BindText(9, r.Name)
	bindText(s, 10, string(r.Tags))
	bindText(s, 11, string(r.Headers))
	bindText(s, 12, string(r.Body))
	bindText(s, 13, string(r.Options))
	bindText(s, 14, string(r.Key))
	_, err = s.Step()
	return err
}

// versionColumns are those of a row of version v and its job j.
const versionColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.is_active, v.schedule, v.timezone,
       v.api, v.type, v.name, v.tags, v.headers, v.body, v.options, j.created_at, v.key`

// cutColumns are versionColumns without a body of more bytes than parameter 7, and how many
// bytes it has. SQLite finds out the length without reading the body.
const cutColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.is_active, v.schedule, v.timezone,
       v.api, v.type, v.name, v.tags, v.headers, iif(octet_length(v.body) > ?7, NULL, v.body), v.options, j.created_at,
       v.key, octet_length(v.body)`

// columnsVersion reads versionColumns as a version.
func columnsVersion(s *sqlite.Stmt, box *seal.Box) domain.Version {
	r := versionReader{box: box}
	var v domain.Version
	r.columns(s, &v)
	return v
}

// columnsCut reads cutColumns as a version.
func columnsCut(s *sqlite.Stmt, box *seal.Box) domain.Version {
	v := columnsVersion(s, box)
	if s.ColumnIsNull(12) {
		v.BodyCut = s.ColumnInt(16)
	}
	return v
}

// columnsRow reads versionColumns as they are stored.
func columnsRow(s *sqlite.Stmt) rows.Version {
	var r versionReader
	return r.row(s)
}

// versionReader reads versions, many by one reader: what they share it makes a
// string of once.
type versionReader struct {
	box    *seal.Box
	parts  store.Parts
	shared rows.Shared // schedules, zones and types
}

// text returns a column of which many rows have the same.
func (r *versionReader) text(s *sqlite.Stmt, column int) string {
	var buf [64]byte
	if s.ColumnLen(column) > len(buf) {
		return s.ColumnText(column)
	}
	return r.shared.Of(buf[:s.ColumnBytes(column, buf[:])])
}

func (r *versionReader) row(s *sqlite.Stmt) rows.Version {
	return rows.Version{
		JobID: columnJobID(s, 0), Number: s.ColumnInt(1), From: s.ColumnInt64(2), Active: s.ColumnBool(4),
		Schedule: r.text(s, 5), Timezone: r.text(s, 6), API: s.ColumnText(7), Kind: r.text(s, 8),
		Name: s.ColumnText(9), Tags: rows.Text(s.ColumnText(10)), Headers: rows.Text(s.ColumnText(11)),
		Body: rows.Text(s.ColumnText(12)), Options: rows.Text(s.ColumnText(13)), CreatedAt: s.ColumnInt64(14),
		Key: rows.Text(s.ColumnText(15)),
	}
}

// columns reads versionColumns into a version. Schedules and zones, which many
// jobs share, are kept once.
func (r *versionReader) columns(s *sqlite.Stmt, v *domain.Version) {
	row := r.row(s)
	to := domain.Forever
	if !s.ColumnIsNull(3) {
		to = s.ColumnInt64(3)
	}
	row.Decode(v, to, r.parts, r.box)
}
