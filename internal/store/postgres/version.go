package postgres

import (
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// shardCount is fixed with the schema: its first step makes the rows.
const shardCount = 64

// ofShards is the condition that a column has a job of one of the shards in a parameter: domain.JobID.Shard in SQL.
// It costs PostgreSQL half a microsecond a row. Tables with a row for each fire have no column for it.
func ofShards(column string, parameter int) string {
	return fmt.Sprintf("get_byte(sha256(uuid_send(%s)), 0) * %d / 256 = ANY($%d::int[])", column, shardCount, parameter)
}

// shardNumbers are numbers of shards as a parameter.
func shardNumbers(numbers []int) []int16 {
	of := make([]int16, len(numbers))
	for i, n := range numbers {
		of[i] = int16(n) //nolint:gosec // it is below 64
	}
	return of
}

// versionColumns are those of a row of version v.
const versionColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.created_at, v.is_active, v.schedule,
       v.timezone, v.api, v.type, v.name, v.key, v.tags, v.headers, v.body, v.options`

// timingColumns are versionColumns without what no timing needs. The URL and the body are most of a row.
const timingColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.created_at, v.is_active, v.schedule,
       v.timezone, '', v.type, '', NULL, NULL, NULL, NULL, v.options`

// cutColumns are versionColumns without a body of more bytes than parameter 1, and how many bytes it has.
const cutColumns = `v.job_id, v.number, v.effective_from, v.effective_to, v.created_at, v.is_active, v.schedule,
       v.timezone, v.api, v.type, v.name, v.key, v.tags, v.headers,
       CASE WHEN $1::int > 0 AND octet_length(v.body) > $1::int THEN NULL ELSE v.body END, v.options,
       octet_length(v.body)`

// columnsOf returns the columns that parts of versions need.
func columnsOf(parts store.Parts) string {
	if parts == store.TimingOnly {
		return timingColumns
	}
	return versionColumns
}

// versionReader reads versions, many by one reader: what they share it makes a string of once.
type versionReader struct {
	box    *seal.Box
	parts  store.Parts
	shared rows.Shared // schedules, zones and types
}

// row reads versionColumns, and what more is asked for.
func (v *versionReader) row(r pgx.Rows, more ...any) (row rows.Version, to *int64, err error) {
	var key, tags, headers, body, options *string
	err = r.Scan(append([]any{
		(*[16]byte)(&row.JobID), &row.Number, &row.From, &to, &row.CreatedAt, &row.Active, nil,
		nil, &row.API, nil, &row.Name, &key, &tags, &headers, &body, &options,
	}, more...)...)
	raw := r.RawValues() // a text is its bytes
	row.Schedule, row.Timezone, row.Kind = v.shared.Of(raw[6]), v.shared.Of(raw[7]), v.shared.Of(raw[9])
	row.Key, row.Tags, row.Headers = textOf(key), textOf(tags), textOf(headers)
	row.Body, row.Options = textOf(body), textOf(options)
	return row, to, err
}

// version reads versionColumns as a version.
func (v *versionReader) version(r pgx.Rows, into *domain.Version, more ...any) error {
	row, to, err := v.row(r, more...)
	if err != nil {
		return err
	}
	until := domain.Forever
	if to != nil {
		until = *to
	}
	row.Decode(into, until, v.parts, v.box)
	return nil
}

// cut reads cutColumns as a version.
func (v *versionReader) cut(r pgx.Rows, most int) (is domain.Version, err error) {
	var length *int
	if err := v.version(r, &is, &length); err != nil {
		return is, err
	}
	if length != nil && most > 0 && *length > most {
		is.BodyCut = *length
	}
	return is, nil
}

func textOf(s *string) rows.Text {
	if s == nil {
		return ""
	}
	return rows.Text(*s)
}

// orNull is a text as a parameter: an empty one is NULL.
func orNull[T ~string](s T) *string {
	if s == "" {
		return nil
	}
	text := string(s)
	return &text
}

// bareIDs are ids as a parameter.
func bareIDs(ids []domain.JobID) [][16]byte {
	bare := make([][16]byte, len(ids))
	for i, id := range ids {
		bare[i] = id
	}
	return bare
}
