package client

import (
	"context"
	"errors"
	"iter"
	"net/url"
	"strconv"
)

// page is one answer of a list.
type page[T any] struct {
	items []T
	next  string
}

// errSameCursor means that the server returns the same cursor again, so that the list
// would never end.
var errSameCursor = errors.New("the server names the same page again as the next one")

// pages ranges over a list. It fetches a page when the caller has reached the end of the
// previous one. An error is yielded once and ends the list.
func pages[T any](ctx context.Context, pageSize int, query url.Values,
	fetch func(context.Context, url.Values) (page[T], error)) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		q := url.Values{}
		for name, values := range query {
			q[name] = values
		}
		if pageSize > 0 {
			q.Set("limit", strconv.Itoa(pageSize))
		}
		var zero T
		for {
			p, err := fetch(ctx, q)
			if err != nil {
				yield(zero, err)
				return
			}
			for _, item := range p.items {
				if !yield(item, nil) {
					return
				}
			}
			if p.next == "" {
				return
			}
			if p.next == q.Get("cursor") {
				yield(zero, errSameCursor)
				return
			}
			q.Set("cursor", p.next)
		}
	}
}
