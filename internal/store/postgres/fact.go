package postgres

import (
	"encoding/json"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

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
type factArrays struct {
	at                 []int64
	ids                [][16]byte
	nonces             []int64
	versions           []int32
	started, completed []*int32
	status             []int16
	http               []*int16
	detail             []*string
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
	base := e.ScheduledAt
	var started, completed *int32
	if e.StartedAt != 0 {
		if started = small(e.StartedAt - base); started == nil {
			d.StartedAt, whole = e.StartedAt, true
		}
		base = e.StartedAt
	}
	if e.CompletedAt != 0 {
		if completed = small(e.CompletedAt - base); completed == nil {
			d.CompletedAt, whole = e.CompletedAt, true
		}
	}
	var status *int16
	if n := e.HTTPStatus; n > 0 && n <= math.MaxInt16 {
		fits := int16(n)
		status = &fits
	} else if n != 0 {
		d.HTTPStatus, whole = n, true
	}
	var text *string
	if whole {
		d.Error, d.RetryCount, d.Attempts = e.Error, e.RetryCount, e.Attempts
		doc, err := json.Marshal(d) // it makes UTF-8 of everything, and escapes zero bytes
		if err != nil {
			return fmt.Errorf("record execution of job %s: %w", e.JobID, err)
		}
		text = orNull(string(doc))
	}
	a.at, a.ids, a.nonces = append(a.at, e.ScheduledAt), append(a.ids, e.JobID), append(a.nonces, e.Nonce)
	a.versions = append(a.versions, int32(e.Version)) //nolint:gosec // versions are counted
	a.started, a.completed = append(a.started, started), append(a.completed, completed)
	a.status = append(a.status, int16(code)) //nolint:gosec // it is below 32
	a.http, a.detail = append(a.http, status), append(a.detail, text)
	return nil
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
