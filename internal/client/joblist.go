package client

import (
	"context"
	"iter"
	"net/url"
	"strconv"
)

// JobFilter selects jobs. The zero value selects all.
type JobFilter struct {
	Active    *bool
	Failing   *bool // whether the last executions have failed
	Namespace string
	Key       string // exact: one job in each namespace
	Name      string // exact
	Tag       string // exact
	Host      string // that the job calls: a name, name:port, or a URL with scheme and name
	Text      string // part of name, api or id

	// Of a list.
	DueBefore     string // only those whose next fire is before it: Unix milliseconds or RFC 3339
	NeverRan      *bool  // no execution of them has ended, as far as the record is kept
	Newest        bool   // the newest jobs first; as Sort "-id"
	Sort          string // id, -id, name, -name, -failures, nextFireAt or -lastFireAt; empty: id
	LastExecution bool   // each job with its newest execution that has ended
	PageSize      int    // jobs per request, 1 to 1,000; zero: the server's default
}

func (f JobFilter) query() url.Values {
	q := url.Values{}
	for name, value := range map[string]*bool{"isActive": f.Active, "failing": f.Failing} {
		if value != nil {
			q.Set(name, strconv.FormatBool(*value))
		}
	}
	for name, value := range map[string]string{
		"namespace": f.Namespace, "key": f.Key, "name": f.Name, "tag": f.Tag, "host": f.Host, "text": f.Text,
	} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// list returns the query of a list.
func (f JobFilter) list() url.Values {
	q := f.query()
	if f.DueBefore != "" {
		q.Set("nextFireBefore", f.DueBefore)
	}
	if f.NeverRan != nil {
		q.Set("neverRan", strconv.FormatBool(*f.NeverRan))
	}
	if f.Newest {
		q.Set("sort", "-id")
	}
	if f.Sort != "" {
		q.Set("sort", f.Sort)
	}
	if f.LastExecution {
		q.Set("include", "lastExecution")
	}
	return q
}

// List ranges over jobs in the order of their creation, unless the filter says otherwise.
func (j *Jobs) List(ctx context.Context, f JobFilter) iter.Seq2[Job, error] {
	return pages(ctx, f.PageSize, f.list(), func(ctx context.Context, q url.Values) (page[Job], error) {
		var out struct {
			Jobs       []Job  `json:"jobs"`
			NextCursor string `json:"nextCursor"`
		}
		err := j.server.getJSON(ctx, &out, q, "jobs")
		return page[Job]{out.Jobs, out.NextCursor}, err
	})
}

// Count returns how many jobs the filter selects.
func (j *Jobs) Count(ctx context.Context, f JobFilter) (n int, err error) {
	f.Newest, f.LastExecution, f.Sort = false, false, ""
	q := f.list()
	q.Set("count", "true")
	for part, err := range pages(ctx, 0, q, func(ctx context.Context, q url.Values) (page[int], error) {
		var out struct {
			Count      int    `json:"count"`
			NextCursor string `json:"nextCursor"`
		}
		err := j.server.getJSON(ctx, &out, q, "jobs")
		return page[int]{[]int{out.Count}, out.NextCursor}, err
	}) {
		if err != nil {
			return 0, err
		}
		n += part
	}
	return n, nil
}
