package postgres

import (
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

const (
	// Lists of values in the list of columns are taken one by one, where a function in FROM would store them first, one
	// after the other: 0.5 us of 2.3 a fact.
	insertFacts = `
INSERT INTO %s (scheduled_at, job_id, version, started, completed, status, http_status, detail)
SELECT unnest($1::bigint[]), unnest($2::uuid[]), unnest($3::int[]), unnest($4::int[]), unnest($5::int[]),
       unnest($6::smallint[]), unnest($7::smallint[]), unnest($8::text[])`

	insertOthers = `
INSERT INTO %s (scheduled_at, job_id, nonce, version, started, completed, status, http_status, detail)
SELECT unnest($1::bigint[]), unnest($2::uuid[]), unnest($3::bigint[]), unnest($4::int[]), unnest($5::int[]),
       unnest($6::int[]), unnest($7::smallint[]), unnest($8::smallint[]), unnest($9::text[])`

	unlessThere      = ` ON CONFLICT DO NOTHING RETURNING scheduled_at, job_id, 0::bigint`
	otherUnlessThere = ` ON CONFLICT DO NOTHING RETURNING scheduled_at, job_id, nonce`
)

// batch is what is recorded together, prepared.
type batch struct {
	store.Batch
	facts []*domain.Execution // that were observed
	parts []part              // of them
	quick bool                // nothing has to be read to record it: see ledger.quickly
	again bool                // it was recorded before: see ring
	days  map[day]bool        // whose tables it needs

	// After it was recorded: in which server, the facts that were not there, and the decisions that count.
	server   int64
	inserted []*domain.Execution
	counted  []*store.Decision

	irregular irregularArrays // of facts and decisions
}

// part is the facts of one table, in its order: two processes that record the same meet in one order.
type part struct {
	table
	facts []*domain.Execution
	rows  factArrays
}

// table is where a fact is stored.
type table struct {
	day   day
	other bool // manual triggers
}

func tableOf(k domain.FireKey) table { return table{dayOf(k.ScheduledAt), k.Nonce != 0} }

func prepare(b store.Batch) (*batch, error) {
	p := &batch{Batch: b, quick: len(b.Idempotency) == 0 && len(b.Decisions) == 0 && len(b.Fences) == 0}
	successes := 0
	succeeded := make(map[domain.JobID]struct{}, len(b.Facts))
	for i := range b.Facts {
		e := &b.Facts[i]
		p.facts = append(p.facts, e)
		p.irregular.add(e)
		if e.Status.Alerts() {
			p.quick = false
		}
		if e.Status == domain.StatusSuccess {
			succeeded[e.JobID] = struct{}{}
			successes++
		}
	}
	p.quick = p.quick && successes == len(succeeded) // of a job one at most
	for i := range b.Decisions {
		e := &b.Decisions[i].Execution
		if _, err := rows.StatusCode(e.Status); err != nil {
			return nil, fmt.Errorf("record execution of job %s: %w", e.JobID, err)
		}
		p.irregular.add(e)
	}
	var err error
	p.parts, err = partsOf(p.facts)
	p.quick = p.quick && !twice(p.parts)
	p.days = p.daysOf()
	return p, err
}

// twice reports whether a fact is there twice. Those of a part are sorted.
func twice(parts []part) bool {
	for i := range parts {
		facts := parts[i].facts
		for j := 1; j < len(facts); j++ {
			if facts[j].FireKey == facts[j-1].FireKey {
				return true
			}
		}
	}
	return false
}

// partsOf sorts facts into their tables.
func partsOf(facts []*domain.Execution) ([]part, error) {
	sorted := slices.Clone(facts)
	slices.SortStableFunc(sorted, func(x, y *domain.Execution) int { return rows.CompareKeys(x.FireKey, y.FireKey) })
	var parts []part
	places := make(map[table]int)
	for _, e := range sorted {
		t := tableOf(e.FireKey)
		at, known := places[t]
		if !known {
			at = len(parts)
			places[t] = at
			room := 0
			if at == 0 { // as a rule all facts are of one table
				room = len(sorted)
			}
			parts = append(parts, part{table: t, rows: arraysOfFacts(t, room)})
		}
		if err := parts[at].rows.add(e); err != nil {
			return nil, err
		}
		parts[at].facts = append(parts[at].facts, e)
	}
	return parts, nil
}

// insertion returns the statement that inserts the facts of a table, and its parameters.
func (p *part) insertion() (statement string, args []any) {
	a := &p.rows
	if p.other {
		return fmt.Sprintf(insertOthers, p.day.other()), []any{&a.at, &a.ids, &a.nonces, &a.versions,
			&a.started, &a.completed, &a.status, &a.http, &a.detail}
	}
	return fmt.Sprintf(insertFacts, p.day.table()), []any{&a.at, &a.ids, &a.versions, &a.started, &a.completed,
		&a.status, &a.http, &a.detail}
}

// unlessThere is the end of the statement where facts may be there already. It answers the keys of those
// that were not.
func (p *part) unlessThere() string {
	if p.other {
		return otherUnlessThere
	}
	return unlessThere
}

// inserted finds the facts of the rows that were inserted, the first one of each key.
func (p *part) inserted(r pgx.Rows) (facts []*domain.Execution, err error) {
	var key domain.FireKey
	_, err = pgx.ForEachRow(r, []any{&key.ScheduledAt, (*[16]byte)(&key.JobID), &key.Nonce}, func() error {
		at, found := slices.BinarySearchFunc(p.facts, key, func(e *domain.Execution, k domain.FireKey) int {
			return rows.CompareKeys(e.FireKey, k)
		})
		if found {
			facts = append(facts, p.facts[at])
		}
		return nil
	})
	return facts, err
}

// daysOf returns the days whose tables the batch needs.
func (p *batch) daysOf() map[day]bool {
	all := make(map[day]bool)
	for i := range p.parts {
		all[p.parts[i].day] = true
	}
	for i := range p.Decisions {
		all[dayOf(p.Decisions[i].ScheduledAt)] = true
	}
	for i := range p.Open {
		all[dayOf(p.Open[i].ScheduledAt)] = true
	}
	return all
}

// relevant returns the jobs whose alerts the batch can change.
func (p *batch) relevant() (ids [][16]byte) {
	seen := make(map[domain.JobID]bool)
	note := func(e *domain.Execution) {
		if (e.Status.Alerts() || e.Status == domain.StatusSuccess) && !seen[e.JobID] {
			seen[e.JobID] = true
			ids = append(ids, e.JobID)
		}
	}
	for _, e := range p.facts {
		note(e)
	}
	for i := range p.Decisions {
		note(&p.Decisions[i].Execution)
	}
	return ids
}
