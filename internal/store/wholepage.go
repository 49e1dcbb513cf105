package store

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Recent reads a whole page of the newest facts of all jobs: pages of List that end early are
// continued.
func Recent(ctx context.Context, h History, page Page) ([]domain.Execution, error) {
	return wholePage(ctx, h, ExecutionQuery{Before: page.Before, Limit: page.Limit, MaxBytes: page.MaxBytes})
}

// Failed is Recent of FAILED and UNKNOWN facts; of one job when id is not zero.
func Failed(ctx context.Context, h History, id domain.JobID, page Page) ([]domain.Execution, error) {
	return wholePage(ctx, h, ExecutionQuery{
		Before: page.Before, Limit: page.Limit, MaxBytes: page.MaxBytes, JobID: id,
		Statuses: []domain.Status{domain.StatusFailed, domain.StatusUnknown},
	})
}

func wholePage(ctx context.Context, h History, q ExecutionQuery) (all []domain.Execution, err error) {
	p := Page{Limit: q.Limit, MaxBytes: q.MaxBytes}
	for !p.Filled(all) {
		page, err := h.List(ctx, q)
		if all = append(all, page.Executions...); err != nil || page.Next == (domain.FireKey{}) {
			return all, err
		}
		q.Before = page.Next
	}
	return all[:min(len(all), q.Limit)], nil
}
