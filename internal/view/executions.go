package view

import (
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// maxLive is how many executions of one job that have not ended are looked at for a page: more
// than the engine holds in flight.
const maxLive = 25_000

// Executions returns a page of the executions that the query selects, those too that have not
// ended. Of one job CodeNotFound means that nothing is known of it.
func (v *View) Executions(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	page, err := v.withFacts(ctx, &q, v.liveOf(ctx, &q))
	if err == nil && len(page.Executions) == 0 && q.Before == (domain.FireKey{}) && !q.JobID.IsZero() {
		return page, v.known(ctx, q.JobID)
	}
	return page, err
}

// Everywhere is as Executions for a list of all jobs that is narrowed to one: what of it has not ended
// is looked for at every node, and a job of which nothing is known has no executions.
func (v *View) Everywhere(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	return v.withFacts(ctx, &q, v.Running(ctx, q))
}

// withFacts joins what has not ended with what has. The former is looked at first: one that ends in
// between is then in both lists, and shown as the fact; the other way round it would be in neither.
func (v *View) withFacts(ctx context.Context, q *store.ExecutionQuery, live store.ExecutionPage) (store.ExecutionPage,
	error) {
	var facts store.ExecutionPage
	if len(q.Statuses) == 0 || slices.ContainsFunc(q.Statuses, domain.Status.Final) {
		var err error
		if facts, err = v.history.List(ctx, *q); err != nil {
			return facts, store.Coded(err)
		}
	}
	return joined(q, facts, live), nil
}

// joined merges a page of facts with one of live executions. What is beyond the end of either of
// them belongs to the next page.
func joined(q *store.ExecutionQuery, facts, live store.ExecutionPage) store.ExecutionPage {
	end := facts.Next
	if none := (domain.FireKey{}); end == none || live.Next != none && newestFirst(live.Next, end) < 0 {
		end = live.Next
	}
	page := q.Collect()
	for _, x := range mergeNewest(facts.Executions, live.Executions) {
		switch {
		case end != (domain.FireKey{}) && newestFirst(x.FireKey, end) > 0:
			return page.EndAfter(end)
		case page.Full():
			return page.EndBefore()
		}
		page.Add(x)
	}
	return page.EndAfter(end)
}

// known returns CodeNotFound when the store knows nothing of a job.
func (v *View) known(ctx context.Context, id domain.JobID) error {
	versions, err := v.jobs.Versions(ctx, id, store.TimingOnly)
	if err == nil && len(versions) == 0 {
		return domain.NotFound("job", id)
	}
	return store.Coded(err)
}

// liveOf returns a page of what the query selects that has not ended.
func (v *View) liveOf(ctx context.Context, q *store.ExecutionQuery) store.ExecutionPage {
	if q.JobID.IsZero() || q.Host != (domain.HostFilter{}) {
		return v.Running(ctx, *q)
	}
	if !wantsLive(q) {
		return store.ExecutionPage{}
	}
	top, page := q.Start(), q.Collect()
	for _, x := range v.live.LiveByJob(q.JobID, maxLive) {
		if newestFirst(x.FireKey, top) <= 0 || !q.Selects(&x) {
			continue
		}
		if page.Full() {
			return page.EndBefore()
		}
		page.Add(x)
	}
	return page.End()
}

// wantsLive reports whether a query may select what has not ended.
func wantsLive(q *store.ExecutionQuery) bool {
	return len(q.Statuses) == 0 || slices.ContainsFunc(q.Statuses, func(s domain.Status) bool { return !s.Final() })
}

// Running returns a page of what the query selects that has not ended, of all nodes.
func (v *View) Running(ctx context.Context, q store.ExecutionQuery) store.ExecutionPage {
	if !wantsLive(&q) {
		return store.ExecutionPage{}
	}
	here := v.live.LiveList(q)
	if v.others == nil {
		return here
	}
	elsewhere, missing := v.others.LiveList(ctx, q)
	notePartial(ctx, missing)
	all := here
	for _, page := range elsewhere {
		all = joined(&q, all, page)
	}
	return all
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
	if v.others != nil {
		x, found, missing := v.others.Live(ctx, id)
		if found {
			return x, nil
		}
		notePartial(ctx, missing)
		if x, err := v.waiting(ctx, id); err != nil || x.ScheduledAt != 0 {
			return x, err
		}
	}
	x, err = v.history.Execution(ctx, id)
	return x, store.Coded(err)
}

// waiting returns an execution that was triggered and that no node carries out yet. One that is not
// there has no key.
func (v *View) waiting(ctx context.Context, id domain.ExecutionID) (x domain.Execution, err error) {
	err = v.edits.Unclaimed(ctx, store.ShardSet{}, func(r domain.OpenRun) error {
		if r.FireKey.ID() == id {
			x = domain.Execution{FireKey: r.FireKey, Version: r.Version, Status: domain.StatusPending,
				NextAttemptAt: r.NextAt}
		}
		return nil
	})
	return x, store.Coded(err)
}

// List returns a page of executions that have ended. See [store.ExecutionQuery].
func (v *View) List(ctx context.Context, q store.ExecutionQuery) (store.ExecutionPage, error) {
	page, err := v.history.List(ctx, q)
	return page, store.Coded(err)
}
