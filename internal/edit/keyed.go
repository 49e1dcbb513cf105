package edit

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// keyedTries bounds how often a job is looked for by its key. It is looked for again when it
// was made, deleted or given another key between the look and the change, so that several
// times in a row takes others who do that all the time.
const keyedTries = 16

// errOtherKey ends a change of a job that does not have the key any more.
var errOtherKey = errors.New("the job has another key now")

// Put makes a job with a key, or changes the one that has it.
type Put struct {
	Namespace, Key string

	// New returns the document of a new job, which has the key and the namespace.
	New func() (domain.SpecDoc, error)
	// Change returns what is to be done with the job as it is: which version it must be at
	// then, as in [Editor.Update], and what to alter. It leaves the key.
	Change func(now *domain.Version) (ifVersion int, alter func(*domain.SpecDoc) error, err error)
}

// Put carries out a put. Of many at once, for one key, one makes the job, and the others
// change that. An error of New or of Change ends it and is returned, wrapped or not.
func (e *Editor) Put(ctx context.Context, p *Put) (domain.Version, Outcome, error) {
	for range keyedTries {
		if found, is := e.changeKeyed(ctx, p.Namespace, p.Key, p.Change); is {
			return found.Version, found.Outcome, found.Err
		}
		doc, err := p.New()
		if err != nil {
			return domain.Version{}, Made, err
		}
		c := e.newCreation([]domain.SpecDoc{doc}, e.newIDs(e.now(), 1))
		if taken := c.try(ctx); taken == nil {
			return c.out[0].Version, Made, c.out[0].Err
		}
	}
	return domain.Version{}, Made, changesTooOften()
}

// changesTooOften is the error about a key that has another job at each look.
func changesTooOften() error {
	return domain.Unavailable(nil, "the jobs of this key are made and deleted all the time")
}

// ofKey returns the current version of the job that has a key, or nil.
func (e *Editor) ofKey(ctx context.Context, namespace, key string) (*domain.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	found, err := e.jobs.List(ctx, store.JobQuery{Namespace: namespace, Key: key, Limit: 1})
	if err != nil || len(found.Jobs) == 0 {
		return nil, store.Coded(err)
	}
	return &found.Jobs[0].Current, nil
}

// changeKeyed changes the job that has a key. It returns false where there is none.
func (e *Editor) changeKeyed(ctx context.Context, namespace, key string,
	change func(*domain.Version) (int, func(*domain.SpecDoc) error, error)) (Created, bool) {
	for range keyedTries {
		now, err := e.ofKey(ctx, namespace, key)
		if err != nil || now == nil {
			return Created{Err: err}, err != nil
		}
		ifVersion, alter, err := change(now)
		if err != nil {
			return Created{Version: *now, Err: err}, true
		}
		v, changed, err := e.update(ctx, now.JobID, ifVersion, func(doc *domain.SpecDoc) error {
			if doc.Key != key {
				return errOtherKey
			}
			return alter(doc)
		})
		if again(err) {
			continue
		}
		out := Created{Version: v, Outcome: Unchanged, Err: err}
		if changed {
			out.Outcome = Changed
		}
		return out, true
	}
	return Created{Err: changesTooOften()}, true
}

// again reports whether a change did not happen because the job is another one, or at another
// version, than when it was looked for.
func again(err error) bool {
	switch domain.ErrorCode(err) {
	case domain.CodeNotFound:
		return true
	case domain.CodeConflict:
		return store.TakenBy(err) == nil
	case domain.CodeInvalid, domain.CodeUnavailable, domain.CodeInternal:
	}
	return errors.Is(err, errOtherKey)
}
