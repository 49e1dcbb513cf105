package postgres

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// rangeCode is added to the code of a status where the record is of several fires.
const rangeCode = 16

// factColumns are those of a fact, in execution; in execution_other the nonce is a column.
const (
	factColumns = `e.scheduled_at, e.job_id, 0::bigint, e.version, e.started, e.completed, e.status, e.http_status,
       e.detail`
	otherColumns = `e.scheduled_at, e.job_id, e.nonce, e.version, e.started, e.completed, e.status, e.http_status,
       e.detail`
)

// detail is what few facts have. Instants are here where they are too far from the scheduled one for
// their columns.
type detail struct {
	Error       string           `json:"error,omitempty"`
	RetryCount  int              `json:"retryCount,omitempty"`
	Attempts    []domain.Attempt `json:"attempts,omitempty"`
	From        *int64           `json:"from,omitempty"`  // of a record of several fires
	Count       int64            `json:"count,omitempty"` // and how many
	StartedAt   int64            `json:"startedAt,omitempty"`
	CompletedAt int64            `json:"completedAt,omitempty"`
	HTTPStatus  int              `json:"httpStatus,omitempty"`
}

// factArrays are facts as the parameters of one statement.
type factArrays struct{ at, ids, nonces, versions, started, completed, status, http, detail array }

// arraysOfFacts are those of a table, with room for so many facts.
func arraysOfFacts(of table, room int) factArrays {
	a := factArrays{
		at: arrayOf(pgtype.Int8OID, room, 8), ids: arrayOf(pgtype.UUIDOID, room, 16),
		versions: arrayOf(pgtype.Int4OID, room, 4), started: arrayOf(pgtype.Int4OID, room, 4),
		completed: arrayOf(pgtype.Int4OID, room, 4), status: arrayOf(pgtype.Int2OID, room, 2),
		http: arrayOf(pgtype.Int2OID, room, 2), detail: arrayOf(pgtype.TextOID, room, 0),
	}
	if of.other {
		a.nonces = arrayOf(pgtype.Int8OID, room, 8)
	}
	return a
}

// narrow adds a number of a column that is narrower: NULL, if it does not fit.
func (a *array) narrow(n int64) (fits bool) {
	of := small(n)
	if of == nil {
		a.null()
		return false
	}
	a.int32(*of)
	return true
}

// small is a number as a column that is narrower; nil: it does not fit.
func small(n int64) *int32 {
	if n < math.MinInt32 || n > math.MaxInt32 {
		return nil
	}
	fits := int32(n)
	return &fits
}

// needsDetail reports whether a fact has something that few have.
func needsDetail(e *domain.Execution) bool {
	return e.Error != "" || e.RetryCount != 0 || len(e.Attempts) > 0 || e.Missed != nil
}

func (a *factArrays) add(e *domain.Execution) error {
	code, err := rows.StatusCode(e.Status)
	if err != nil {
		return fmt.Errorf("record execution of job %s: %w", e.JobID, err)
	}
	var d detail
	whole := needsDetail(e)
	if e.Missed != nil {
		code += rangeCode
		d.From, d.Count = &e.Missed.From, e.Missed.Count
	}
	a.addTimes(e, &d)
	if n := e.HTTPStatus; n > 0 && n <= math.MaxInt16 {
		a.http.int16(int16(n))
	} else {
		a.http.null()
		d.HTTPStatus = n
	}
	if whole || d.StartedAt != 0 || d.CompletedAt != 0 || d.HTTPStatus != 0 {
		d.Error, d.RetryCount, d.Attempts = e.Error, e.RetryCount, e.Attempts
		doc, err := json.Marshal(d) // it makes UTF-8 of everything, and escapes zero bytes
		if err != nil {
			return fmt.Errorf("record execution of job %s: %w", e.JobID, err)
		}
		a.detail.text(string(doc))
	} else {
		a.detail.null()
	}
	a.at.int64(e.ScheduledAt)
	a.ids.uuid(e.JobID)
	if a.nonces.element != 0 {
		a.nonces.int64(e.Nonce)
	}
	a.versions.int32(int32(e.Version)) //nolint:gosec // versions are counted
	a.status.int16(int16(code))        //nolint:gosec // it is below 32
	return nil
}

// addTimes adds when a fact started and completed, counted from what was before. What does not fit its column is part
// of the detail.
func (a *factArrays) addTimes(e *domain.Execution, d *detail) {
	base := e.ScheduledAt
	if e.StartedAt == 0 {
		a.started.null()
	} else {
		if !a.started.narrow(e.StartedAt - base) {
			d.StartedAt = e.StartedAt
		}
		base = e.StartedAt
	}
	if e.CompletedAt == 0 {
		a.completed.null()
	} else if !a.completed.narrow(e.CompletedAt - base) {
		d.CompletedAt = e.CompletedAt
	}
}

// scanFact reads a row of factColumns.
func scanFact(r pgx.Rows) (e domain.Execution, err error) {
	var code int16
	var started, completed *int64
	var http *int
	var doc *string
	err = r.Scan(&e.ScheduledAt, (*[16]byte)(&e.JobID), &e.Nonce, &e.Version, &started, &completed, &code, &http, &doc)
	if err != nil {
		return e, err
	}
	e.Status = rows.StatusOf(int64(code % rangeCode))
	var d detail
	if doc != nil {
		if err := json.Unmarshal([]byte(*doc), &d); err != nil {
			d.Error = "what is stored of the execution cannot be read: " + err.Error()
		}
	}
	e.Error, e.RetryCount, e.Attempts = d.Error, d.RetryCount, d.Attempts
	if http != nil {
		e.HTTPStatus = *http
	} else {
		e.HTTPStatus = d.HTTPStatus
	}
	base := e.ScheduledAt
	if e.StartedAt = d.StartedAt; started != nil {
		e.StartedAt = base + *started
	}
	if e.StartedAt != 0 {
		base = e.StartedAt
	}
	if e.CompletedAt = d.CompletedAt; completed != nil {
		e.CompletedAt = base + *completed
	}
	if code >= rangeCode && d.From != nil {
		e.Missed = &domain.MissedRange{From: *d.From, Count: d.Count}
	}
	return e, nil
}
