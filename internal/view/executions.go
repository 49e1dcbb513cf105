package view

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// maxLive is how many executions of one job that have not ended are looked at
// for a page that is not the first: more than the engine holds in flight.
const maxLive = 25_000

// Executions returns a page of the executions of a job, those too that have not ended.
func (v *View) Executions(ctx context.Context, id domain.JobID, page store.Page) ([]domain.Execution, error) {
	// Live ones first: one that ends in between is then in both lists, and
	// shown as the fact; the other way round it would be in neither.
	live := v.liveBefore(id, page)
	facts, err := v.history.ByJob(ctx, id, page)
	if err != nil {
		return nil, store.Coded(err)
	}
	if n := len(facts); n > 0 && page.Filled(facts) { // what is older belongs to the next page
		live = slices.DeleteFunc(live, func(x domain.Execution) bool {
			return newestFirst(x.FireKey, facts[n-1].FireKey) > 0
		})
	}
	all := mergeNewest(facts, live)
	if len(all) == 0 && page.Before == (domain.FireKey{}) {
		return nil, v.known(ctx, id)
	}
	return all, nil
}

// known returns CodeNotFound when the store knows nothing of a job.
func (v *View) known(ctx context.Context, id domain.JobID) error {
	versions, err := v.jobs.Versions(ctx, id, store.TimingOnly)
	if err == nil && len(versions) == 0 {
		return domain.NotFound("job", id)
	}
	return store.Coded(err)
}

// liveBefore returns the executions of a page that have not ended.
func (v *View) liveBefore(id domain.JobID, page store.Page) []domain.Execution {
	if page.Before == (domain.FireKey{}) {
		return v.live.LiveByJob(id, page.Limit)
	}
	live := v.live.LiveByJob(id, maxLive)
	live = slices.DeleteFunc(live, func(x domain.Execution) bool { return newestFirst(x.FireKey, page.Before) <= 0 })
	return live[:min(page.Limit, len(live))]
}

// newestFirst is the order of lists of executions, [store.Page]'s: scheduled
// at, job, nonce, all descending.
func newestFirst(a, b domain.FireKey) int {
	return cmp.Or(cmp.Compare(b.ScheduledAt, a.ScheduledAt), slices.Compare(b.JobID[:], a.JobID[:]),
		cmp.Compare(b.Nonce, a.Nonce))
}

// mergeNewest merges two lists in the order newest first. Of a key that is in
// both the fact is kept. It may be longer than the page.
func mergeNewest(facts, live []domain.Execution) []domain.Execution {
	if len(live) == 0 {
		return facts
	}
	all := append(slices.Clone(facts), live...)
	slices.SortStableFunc(all, func(a, b domain.Execution) int { return newestFirst(a.FireKey, b.FireKey) })
	return slices.CompactFunc(all, func(a, b domain.Execution) bool { return a.FireKey == b.FireKey })
}

// Execution returns the fact, or what has not ended. One that ends between the two
// looks is a fact at the third.
func (v *View) Execution(ctx context.Context, id domain.ExecutionID) (domain.Execution, error) {
	x, err := v.history.Execution(ctx, id)
	if domain.ErrorCode(err) != domain.CodeNotFound {
		return x, store.Coded(err)
	}
	if x, ok := v.live.Live(id); ok {
		return x, nil
	}
	x, err = v.history.Execution(ctx, id)
	return x, store.Coded(err)
}

// List returns a page of executions that have ended. See [store.ExecutionQuery].
func (v *View) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	page, err := v.history.List(ctx, q)
	return page, store.Coded(err)
}
