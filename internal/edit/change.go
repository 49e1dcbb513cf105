package edit

import (
	"context"
	"errors"
	"reflect"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// Update changes a job: alter gets the current document and alters it. A change that
// alters nothing makes no version, unless a secret was sent with it: otherwise whoever
// guesses a secret would see whether the guess was right. ifVersion zero takes any current version; another
// number is refused with CodeConflict unless it is the current one. An error of alter
// ends it and is returned, wrapped or not.
func (e *Editor) Update(ctx context.Context, id domain.JobID, ifVersion int,
	alter func(*domain.SpecDoc) error) (domain.Version, error) {
	v, _, err := e.update(ctx, id, ifVersion, alter)
	return v, err
}

// update is Update, and reports whether it made a version.
func (e *Editor) update(ctx context.Context, id domain.JobID, ifVersion int,
	alter func(*domain.SpecDoc) error) (v domain.Version, changed bool, err error) {
	unlock, err := e.lock(ctx, id)
	if err != nil {
		return domain.Version{}, false, err
	}
	next, fences, end, err := e.draft(ctx, id, ifVersion, alter)
	if err != nil || end == nil {
		unlock()
		return next, false, err
	}
	err = e.run(ctx, &change{
		job: id, number: next.Number, end: end, unlock: unlock,
		commit: func(ctx context.Context) error { return e.jobs.Update(store.WithFences(ctx, fences...), next) },
	})
	if by := store.TakenBy(err); by != nil {
		err = keyTaken(next.Spec.Key, by[0])
	}
	return next, err == nil, err
}

// draft makes the next version and begins it with the owner. Where the change alters
// nothing it returns the current version and nil.
func (e *Editor) draft(ctx context.Context, id domain.JobID, ifVersion int,
	alter func(*domain.SpecDoc) error) (domain.Version, []store.Fence, End, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout) // the job's other edits wait
	defer cancel()
	v, err := e.current(ctx, id, ifVersion)
	if err != nil {
		return v, nil, nil, err
	}
	doc := domain.SpecDoc{Spec: v.Spec, IsActive: v.Active}
	if err := doc.Spoil(v.Unread); err != nil {
		return v, nil, nil, err
	}
	if err := alter(&doc); err != nil {
		return v, nil, nil, err
	}
	if doc.Namespace != v.Spec.Namespace {
		return v, nil, nil, domain.InvalidAs(domain.FieldReadOnly, "namespace", "must stay as it is, "+v.Spec.Namespace+
			": a job does not move; create it anew", doc.Namespace)
	}
	if !doc.SecretsSent && doc.IsActive == v.Active && reflect.DeepEqual(doc.Spec, v.Spec) && v.Unusable() == nil {
		return v, nil, nil, nil
	}
	next := domain.Version{
		JobID: v.JobID, Number: v.Number + 1, CreatedAt: v.CreatedAt, EffectiveTo: domain.Forever,
		Active: doc.IsActive, Spec: doc.Spec,
	}
	fences, end, err := e.owner.BeginUpdate(ctx, &next)
	if err != nil {
		return v, nil, nil, err
	}
	return next, fences, end, nil
}

// errUnaltered ends an update that would alter nothing.
var errUnaltered = errors.New("nothing to change")

// SetActive resumes or pauses a job. It reports whether the job was in the other state;
// if not, it makes no version and returns the current one. ifVersion as in Update.
func (e *Editor) SetActive(ctx context.Context, id domain.JobID, ifVersion int,
	active bool) (v domain.Version, changed bool, err error) {
	v, err = e.Update(ctx, id, ifVersion, func(doc *domain.SpecDoc) error {
		if doc.IsActive == active {
			return errUnaltered
		}
		doc.IsActive = active
		return nil
	})
	if errors.Is(err, errUnaltered) {
		return v, false, nil
	}
	return v, err == nil, err
}

// Delete ends a job. No fire at or after effectiveTo, in Unix milliseconds, is sent.
// ifVersion as in Update.
func (e *Editor) Delete(ctx context.Context, id domain.JobID, ifVersion int) (effectiveTo int64, err error) {
	unlock, err := e.lock(ctx, id)
	if err != nil {
		return 0, err
	}
	number, from, fences, end, err := e.beginDelete(ctx, id, ifVersion)
	if err != nil {
		unlock()
		return 0, err
	}
	return from, e.run(ctx, &change{
		job: id, number: number + 1, deletes: true, end: end, unlock: unlock,
		commit: func(ctx context.Context) error {
			return e.jobs.Delete(store.WithFences(ctx, fences...), id, number, from)
		},
	})
}

// beginDelete begins the end of a job with the owner. It returns the number of the
// version that ends.
func (e *Editor) beginDelete(ctx context.Context, id domain.JobID, ifVersion int) (
	number int, from int64, fences []store.Fence, end End, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout) // the job's other edits wait
	defer cancel()
	v, err := e.current(ctx, id, ifVersion)
	if err != nil {
		return 0, 0, nil, nil, err
	}
	from, fences, end, err = e.owner.BeginDelete(id)
	return v.Number, from, fences, end, err
}
