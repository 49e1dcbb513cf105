package bulk

import (
	"context"
	"fmt"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// QueryOf returns the query of the jobs that an operation is about.
func QueryOf(o *domain.Operation) (store.JobQuery, error) {
	f := &o.Filter
	q := store.JobQuery{
		Active: f.Active, Failing: f.Failing, Namespace: f.Namespace, Key: f.Key, Name: f.Name, Tag: f.Tag,
		Text: f.Text, After: o.Progress.Matched,
	}
	var err error
	q.Host, err = domain.ParseHostFilter(f.Host)
	if o.Namespace != "" { // whatever the filter says
		q.Namespace = o.Namespace
	}
	return q, err
}

// match writes down a page of the jobs that an operation is about.
func (r *Runner) match(ctx context.Context, o *domain.Operation) error {
	q, err := QueryOf(o)
	if err != nil {
		return r.end(ctx, o, domain.CannotGoOn, err.Error())
	}
	ids, next, err := r.page(ctx, &q)
	if err != nil {
		return err
	}
	o.Counts.Matched += int64(len(ids))
	o.Progress.Matched = next
	if o.Counts.Matched > domain.MaxOperationJobs {
		o.Counts.Matched -= int64(len(ids))
		return r.end(ctx, o, domain.CannotGoOn, fmt.Sprintf("more than %d jobs match", domain.MaxOperationJobs))
	}
	if next.IsZero() {
		o.State, _ = o.State.Next(domain.AllMatched)
		o.MatchedAt = r.now()
		if err := r.tell(ctx, o); err != nil {
			return err
		}
	}
	return r.write(ctx, func(ctx context.Context) error { return r.operations.Match(ctx, *o, ids) })
}
