package api

import (
	"context"
	"sync"
	"unique"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// namespaces remembers which namespace jobs are in: it is fixed when they are
// made, so that what is known stays true. Only requests of confined keys ask.
// 100,000 entries take some 5 MB; beyond that it begins anew.
type namespaces struct {
	seals cursorSeals

	mu    sync.Mutex
	byJob map[domain.JobID]unique.Handle[string]
}

const maxNamespaces = 100_000

func (n *namespaces) get(id domain.JobID) (string, bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	h, ok := n.byJob[id]
	if !ok {
		return "", false
	}
	return h.Value(), true
}

func (n *namespaces) put(id domain.JobID, name string) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.byJob == nil || len(n.byJob) >= maxNamespaces {
		n.byJob = map[domain.JobID]unique.Handle[string]{}
	}
	n.byJob[id] = unique.Make(name)
}

// seesNamespace reports whether the caller may see a namespace.
func seesNamespace(ctx context.Context, name string) bool {
	only := visitorOf(ctx).namespace
	return only == "" || only == name
}

// scope decides what a caller may see.
type scope struct {
	jobs   store.Jobs
	spaces namespaces
}

func newScope(jobs store.Jobs, cursorKeys [][]byte) (*scope, error) {
	seals, err := newCursorSeals(cursorKeys)
	return &scope{jobs: jobs, spaces: namespaces{seals: seals}}, err
}

// sees reports whether the caller may see a job. One of which nothing is known
// any more is nobody's.
func (sc *scope) sees(ctx context.Context, id domain.JobID) (bool, error) {
	if visitorOf(ctx).namespace == "" {
		return true, nil
	}
	name, known := sc.spaces.get(id)
	if !known {
		versions, err := sc.jobs.Versions(ctx, id, store.TimingOnly)
		if err != nil {
			return false, err
		}
		if len(versions) > 0 {
			name = versions[0].Spec.Namespace
			sc.spaces.put(id, name)
		}
	}
	return seesNamespace(ctx, name), nil
}

// inScope refuses a job of another namespace as if it did not exist.
func (sc *scope) inScope(ctx context.Context, id domain.JobID) error {
	sees, err := sc.sees(ctx, id)
	if err == nil && !sees {
		return domain.NotFound("job", id)
	}
	return store.Coded(err)
}

// newDoc returns the document that a new job is laid over: one in the caller's
// namespace, if he has one.
func newDoc(ctx context.Context) domain.SpecDoc {
	doc := domain.NewSpecDoc()
	if only := visitorOf(ctx).namespace; only != "" {
		doc.Namespace = only
	}
	return doc
}

// mayCreate refuses a job in a namespace that the caller does not see. What is
// no namespace is left to the spec's own rules.
func mayCreate(ctx context.Context, doc *domain.SpecDoc) error {
	if domain.ValidNamespace(doc.Namespace) && !seesNamespace(ctx, doc.Namespace) {
		return kindRole.plain()
	}
	return nil
}

// A list that has to be sifted is read in pieces, up to so many: neither store
// nor history know namespaces, since that would cost every execution. A page
// may then be short and have a next one all the same. All of it takes some 80 ms at most: the
// pieces 50 ms, since a store examines some 1,000 facts in a ms, and the jobs whose namespace is not
// known yet 60 us each.
const (
	siftPiece  = 1_000
	siftPieces = 5
	siftWork   = 10_000 // facts that are examined for a piece
	siftLooks  = 500    // jobs that are looked up
)

// place is where an item of a list is.
type place struct {
	job    domain.JobID
	cursor wire.Cursor
	size   int // of the item, bytes
}

// visible returns a page of what the caller may see of a list, and the cursor of
// the next one. fetch reads the list after a cursor, and returns where it goes on; nil: nowhere.
func visible[T any](ctx context.Context, sc *scope, limit int, from wire.Cursor, placeOf func(*T) place,
	fetch func(from wire.Cursor, limit int) (found []T, next *wire.Cursor, err error)) (found []T,
	next string, err error) {
	if visitorOf(ctx).namespace == "" {
		found, more, err := fetch(from, limit)
		if more != nil {
			next = more.String()
		}
		return found, next, err
	}
	if from, err = sc.spaces.seals.opened(from); err != nil {
		return nil, "", err
	}
	page, looks := store.Meter{Rows: limit, Bytes: pageBytes}, siftLooks
	for range siftPieces {
		piece, more, err := fetch(from, siftPiece)
		if err != nil {
			return nil, "", err
		}
		for i := range piece {
			at := placeOf(&piece[i])
			if _, known := sc.spaces.get(at.job); !known {
				if looks == 0 {
					return found, sc.spaces.seals.sealed(from), nil
				}
				looks--
			}
			sees, err := sc.sees(ctx, at.job)
			if err != nil {
				return nil, "", err
			}
			if sees && page.Full() {
				return found, sc.spaces.seals.sealed(from), nil
			}
			if sees {
				found = append(found, piece[i])
				page.Add(at.size)
			}
			from = at.cursor
		}
		if more == nil {
			return found, "", nil
		}
		from = *more
	}
	return found, sc.spaces.seals.sealed(from), nil
}

// cutAt returns the page of what was found with a limit of one more, and where it goes on.
func cutAt[T any](found []T, limit int, placeOf func(*T) place) ([]T, *wire.Cursor) {
	if len(found) <= limit {
		return found, nil
	}
	found = found[:limit]
	next := placeOf(&found[limit-1]).cursor
	return found, &next
}
