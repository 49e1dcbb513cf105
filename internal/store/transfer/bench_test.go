//go:build unix

package transfer_test

import (
	"os"
	"strconv"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
	"github.com/belfry-scheduler/belfry/internal/store/transfer"
)

// BenchmarkCopy copies jobs with ten executions each from SQLite to PostgreSQL and back. COPY_JOBS says how
// many, 10,000 if it is not set.
func BenchmarkCopy(b *testing.B) {
	jobs, _ := strconv.Atoi(os.Getenv("COPY_JOBS"))
	if jobs == 0 {
		jobs = 10_000
	}
	transfer.Small(5_000, 0) // as large as they are
	for b.Loop() {
		b.StopTimer()
		first, last := files(b), files(b)
		between, _ := server(b)
		source := first.copy(b, true)
		fillWith(b, source, jobs)
		b.StartTimer()
		for _, way := range []struct {
			name     string
			from, to *place
		}{{"there", &first, &between}, {"back", &between, &last}} {
			began := clock.System{}.Mark()
			from, to := source, way.to.copy(b, true)
			if way.name == "back" {
				from = way.from.copy(b, false)
			}
			var audit clock.Mark
			report, err := transfer.Run(b.Context(), transfer.EndAt(transfer.Config{
				From: from, To: to, Clock: clock.System{},
			}, func(at string) error {
				if at == "filled" {
					b.ReportMetric(clock.System{}.Elapsed(began).Seconds(), way.name+"-s")
					audit = clock.System{}.Mark()
				}
				return nil
			}))
			if err != nil {
				b.Fatal(err, report.Lines)
			}
			b.ReportMetric(clock.System{}.Elapsed(audit).Seconds(), way.name+"-audit-s")
			closed(b, from)
			closed(b, to)
		}
	}
	transfer.Small(50, 0)
}

// fillWith writes jobs, and ten executions of each.
func fillWith(b *testing.B, db *transfer.Database, jobs int) {
	b.Helper()
	ids := make([]domain.JobID, jobs)
	var piece []transfer.Version
	for i := range ids {
		ids[i] = domain.NewJobID(noon - 2*day + int64(i))
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API = "0 */5 * * * *", "http://127.0.0.1:4444/hooks/"+strconv.Itoa(i)
		spec.Type = domain.AtLeastOnce
		spec.Name = "job " + strconv.Itoa(i)
		if i%10 == 0 {
			spec.Headers = map[string]string{"Authorization": "Bearer " + spec.Name}
		}
		v := domain.Version{
			JobID: ids[i], Number: 1, EffectiveFrom: noon - 2*day + int64(i), CreatedAt: noon - 2*day,
			Active: true, Spec: spec,
		}
		row, err := rows.Encode(&v, db.Box)
		if err != nil {
			b.Fatal(err)
		}
		piece = append(piece, transfer.Version{Version: row, To: domain.Forever})
		if len(piece) == 5_000 || i == jobs-1 {
			if err := db.Versions.Write(b.Context(), piece); err != nil {
				b.Fatal(err)
			}
			piece = nil
		}
	}
	var facts []domain.Execution
	for fire := range int64(10) {
		for i, id := range ids {
			at := noon - day + fire*5*hour
			e := domain.Execution{
				FireKey: domain.FireKey{JobID: id, ScheduledAt: at}, Version: 1, Status: domain.StatusSuccess,
				StartedAt: at + 3, CompletedAt: at + 23, HTTPStatus: 200,
			}
			if i%100 == 0 {
				e.Status, e.HTTPStatus, e.Error = domain.StatusFailed, 500, "500: broken"
			}
			facts = append(facts, e)
			if len(facts) == 5_000 || i == jobs-1 {
				if err := db.Facts.Write(b.Context(), facts); err != nil {
					b.Fatal(err)
				}
				facts = facts[:0]
			}
		}
	}
}
