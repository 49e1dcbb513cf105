package api

import (
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
)

// statuses are those of executions, as the document lists them.
var statuses = []domain.Status{
	domain.StatusPending, domain.StatusRunning, domain.StatusSuccess, domain.StatusFailed, domain.StatusSkipped,
	domain.StatusMissed, domain.StatusUnknown,
}

// statusParam is a list of statuses with commas between them.
type statusParam string

// Schema implements huma.SchemaProvider.
func (statusParam) Schema(huma.Registry) *huma.Schema {
	item := &huma.Schema{Type: huma.TypeString}
	for _, s := range statuses {
		item.Enum = append(item.Enum, string(s))
	}
	most := len(statuses)
	return &huma.Schema{
		Type: huma.TypeArray, Items: item, MaxItems: &most,
		Description: "Only executions with one of these statuses, with commas between them. PENDING and RUNNING are " +
			"those that have not ended.",
		Examples: []any{[]any{"FAILED", "UNKNOWN"}},
	}
}

func (p statusParam) parse() (chosen []domain.Status, err error) {
	if strings.TrimSpace(string(p)) == "" {
		return nil, nil
	}
	for word := range strings.SplitSeq(string(p), ",") {
		s := domain.Status(strings.TrimSpace(word))
		if !slices.Contains(statuses, s) {
			var names []string
			for _, known := range statuses {
				names = append(names, string(known))
			}
			return nil, kindMalformed.fieldAs(domain.FieldChoice, "status",
				"must be of "+strings.Join(names, ", ")+", with commas between them", word)
		}
		if !slices.Contains(chosen, s) {
			chosen = append(chosen, s)
		}
	}
	return chosen, nil
}

// ExecutionFilter selects executions in a list. Whatever it selects, the work of a request is
// bounded (ADR 41).
type ExecutionFilter struct {
	Status statusParam  `query:"status"`
	From   instantParam `query:"from" doc:"The first scheduled instant. Absent: from the oldest on."`
	To     instantParam `query:"to" doc:"The scheduled instant to end before. Absent: to the newest."`
	Manual boolParam    `query:"manual" doc:"Only executions that were triggered by hand (true), or only those of schedules (false)."`
}

func (f *ExecutionFilter) query() (q store.ExecutionQuery, err error) {
	if q.Statuses, err = f.Status.parse(); err != nil {
		return q, err
	}
	if q.From, err = f.From.parse("from", 0); err != nil {
		return q, err
	}
	if q.To, err = f.To.parse("to", domain.Forever); err != nil {
		return q, err
	}
	if err := checkRange(q.From, q.To, f.To); err != nil {
		return q, err
	}
	q.To = max(q.To, 1) // zero is no end, and nothing is before 1
	q.Manual, err = f.Manual.parse("manual")
	return q, err
}
