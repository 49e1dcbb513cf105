package api

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// exportedLine is what a line of an export is by encoding/json.
type exportedLine struct {
	ExecutionBody
	Attempts []attemptBody `json:"attempts,omitempty"`
}

func lineOf(e *domain.Execution) exportedLine {
	line := exportedLine{ExecutionBody: executionOf(e)}
	for _, a := range e.Attempts {
		line.Attempts = append(line.Attempts, attemptBody{
			a.Number, a.StartedAt, unlessZero(a.CompletedAt), unlessZero(a.HTTPStatus), unlessZero(a.Error),
		})
	}
	return line
}

// randomExecution sets each field or leaves it zero.
func randomExecution(r *rand.Rand) domain.Execution {
	number := func(limit int64) int64 {
		if r.IntN(3) == 0 {
			return 0
		}
		return r.Int64N(limit)
	}
	texts := []string{"", "503 Service Unavailable", `say "hi" \ no`, "<&>", "é \u2028 \x00 \x7f",
		"bad \xff utf-8", "line\nbreak"}
	statuses := []domain.Status{domain.StatusSuccess, domain.StatusFailed, domain.StatusSkipped, domain.StatusMissed,
		domain.StatusUnknown}
	e := domain.Execution{
		FireKey: domain.FireKey{JobID: domain.NewJobID(r.Int64N(1 << 47)), ScheduledAt: number(1 << 47),
			Nonce: number(1 << 47)},
		Version: int(number(9)), Status: statuses[r.IntN(len(statuses))], StartedAt: number(1 << 47),
		CompletedAt: number(1 << 47),
		HTTPStatus:  int(number(600)), Error: texts[r.IntN(len(texts))], RetryCount: int(number(100)),
	}
	for n := range r.IntN(4) {
		e.Attempts = append(e.Attempts, domain.Attempt{
			Number: n + 1, StartedAt: number(1 << 47), CompletedAt: number(1 << 47), HTTPStatus: int(number(600)),
			Error: texts[r.IntN(len(texts))],
		})
	}
	if r.IntN(4) == 0 {
		e.Missed = &domain.MissedRange{From: number(1 << 47), Count: number(1 << 20)}
	}
	return e
}

func TestALineOfAnExportIsTheExecution(t *testing.T) {
	r := rand.New(rand.NewPCG(7, 7))
	for range 5_000 {
		e := randomExecution(r)
		want, err := json.Marshal(lineOf(&e))
		if err != nil {
			t.Fatal(err)
		}
		if got := appendExecution(nil, &e); !bytes.Equal(got, want) {
			t.Fatalf("\n%s, want\n%s", got, want)
		}
	}
}

func BenchmarkAppendExecution(b *testing.B) {
	e := randomExecution(rand.New(rand.NewPCG(7, 7)))
	e.Attempts, e.Missed, e.Error = nil, nil, ""
	var line []byte
	b.ReportAllocs()
	for b.Loop() {
		line = appendExecution(line[:0], &e)
	}
}
