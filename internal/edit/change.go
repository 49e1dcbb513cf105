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
	v, changed, err = e.without.updatedBefore(ctx, e.jobs, id)
	if changed || err != nil {
		return v, changed, err
	}
	v, changed, err = e.updateBy(ctx, id, ifVersion, alter, true)
	if e.without.instead(err) {
		v, changed, err = e.updateBy(ctx, id, ifVersion, alter, false)
	}
	if definite(err) && uncertainOf(ctx) != nil { // the other process was faster
		if before, made, _ := e.without.updatedBefore(ctx, e.jobs, id); made {
			return before, true, nil
		}
	}
	return v, changed, err
}

// updateBy is update by the owner in this process, or without it.
func (e *Editor) updateBy(ctx context.Context, id domain.JobID, ifVersion int,
	alter func(*domain.SpecDoc) error, here bool) (v domain.Version, changed bool, err error) {
	unlock, err := e.lock(ctx, id)
	if err != nil {
		return domain.Version{}, false, err
	}
	d, err := e.draft(ctx, id, ifVersion, alter, here)
	if err != nil || d.end == nil {
		unlock()
		return d.next, false, err
	}
	next := d.next
	made := next
	c := &change{Editor: e, job: id, makes: &made, end: d.end, unlock: unlock}
	c.commit = func(ctx context.Context) error { return e.jobs.Update(store.WithFences(ctx, d.fences...), next) }
	if !here {
		made.EffectiveFrom = 0
		c.remote = e.without.update(&next)
		c.commit = c.remote.commit
	}
	err = c.run(ctx)
	if err == nil && !here {
		next.EffectiveFrom, err = c.remote.finish(ctx, d.stops)
	}
	if by := store.TakenBy(err); by != nil {
		err = keyTaken(next.Spec.Key, by[0])
	}
	return next, err == nil, err
}

// draft is a change that has begun.
type draft struct {
	next   domain.Version // that it makes; with a nil end: the current one, which it does not alter
	stops  bool           // a job that has fires has none from then on, or later ones
	fences []store.Fence
	end    End
}

// draft makes the next version and begins it with the owner, or where that is not here checks
// that an owner can run it.
func (e *Editor) draft(ctx context.Context, id domain.JobID, ifVersion int,
	alter func(*domain.SpecDoc) error, here bool) (d draft, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout) // the job's other edits wait
	defer cancel()
	v, err := e.current(ctx, id, ifVersion)
	if d.next = v; err != nil {
		return d, err
	}
	next, alters, err := Altered(&v, alter)
	if err != nil || !alters {
		return d, err
	}
	if next.Pause != v.Pause {
		if err := e.pauses.check(ctx, next.Pause); err != nil {
			return d, err
		}
	}
	fences, end, err := e.owner.BeginUpdate(ctx, &next)
	switch {
	case err == nil && !here: // it owns the job again, or does not know yet that it does not
		end(false)
	case err != nil && (here || !e.without.instead(err)):
		return d, err
	}
	if !here {
		end = endNothing
	}
	return draft{next, v.Fires() && !next.Active, fences, end}, nil
}

// Altered returns the version that a change makes of another one, and whether it is one at all. An error of alter is
// returned as it is.
func Altered(v *domain.Version, alter func(*domain.SpecDoc) error) (next domain.Version, alters bool, err error) {
	doc := domain.SpecDoc{Spec: v.Spec, IsActive: v.Active, Pause: v.Pause}
	if err := doc.Spoil(v.Unread); err != nil {
		return next, false, err
	}
	if err := alter(&doc); err != nil {
		return next, false, err
	}
	if doc.Namespace != v.Spec.Namespace {
		return next, false, domain.InvalidAs(domain.FieldReadOnly, "namespace", "must stay as it is, "+v.Spec.Namespace+
			": a job does not move; create it anew", doc.Namespace)
	}
	if doc.IsActive { // what was said of the pause goes with it
		if doc.Pause.Reason == v.Pause.Reason {
			doc.Pause.Reason = ""
		}
		if doc.Pause.Until == v.Pause.Until {
			doc.Pause.Until = 0
		}
	}
	next = domain.Version{
		JobID: v.JobID, Number: v.Number + 1, CreatedAt: v.CreatedAt, EffectiveTo: domain.Forever,
		Active: doc.IsActive, Pause: doc.Pause, Spec: doc.Spec,
	}
	same := !doc.SecretsSent && doc.IsActive == v.Active && doc.Pause == v.Pause &&
		reflect.DeepEqual(doc.Spec, v.Spec) && v.Unusable() == nil
	return next, !same, nil
}

// errUnaltered ends an update that would alter nothing.
var errUnaltered = errors.New("nothing to change")

// SetActive resumes or pauses a job. With a pause that is what is said of it, also of a job that is paused already;
// nil: nothing is said of it, and it has no end. It reports whether the job was not like that; if it was, it makes no
// version and returns the current one. ifVersion as in Update.
func (e *Editor) SetActive(ctx context.Context, id domain.JobID, ifVersion int, active bool,
	pause *domain.Pause) (v domain.Version, changed bool, err error) {
	v, err = e.Update(ctx, id, ifVersion, func(doc *domain.SpecDoc) error {
		said := domain.Pause{}
		switch {
		case active:
		case pause != nil:
			said = *pause
		case !doc.IsActive: // who pauses a job means it to stay paused; why it is paused stays
			said.Reason = doc.Pause.Reason
		}
		if doc.IsActive == active && doc.Pause == said {
			return errUnaltered
		}
		doc.IsActive, doc.Pause = active, said
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
	if to, made, err := e.without.removedBefore(ctx, id); made || err != nil {
		return to, err
	}
	effectiveTo, err = e.deleteBy(ctx, id, ifVersion, true)
	if e.without.instead(err) {
		effectiveTo, err = e.deleteBy(ctx, id, ifVersion, false)
	}
	if definite(err) && uncertainOf(ctx) != nil { // the other process was faster
		if to, made, _ := e.without.removedBefore(ctx, id); made {
			return to, nil
		}
	}
	return effectiveTo, err
}

// deleteBy is Delete by the owner in this process, or without it.
func (e *Editor) deleteBy(ctx context.Context, id domain.JobID, ifVersion int, here bool) (from int64, err error) {
	unlock, err := e.lock(ctx, id)
	if err != nil {
		return 0, err
	}
	now, from, fences, end, err := e.beginDelete(ctx, id, ifVersion, here)
	if err != nil {
		unlock()
		return 0, err
	}
	c := &change{Editor: e, job: id, makes: &domain.Version{Number: now.Number + 1}, deletes: true, end: end,
		unlock: unlock}
	c.commit = func(ctx context.Context) error {
		return e.jobs.Delete(store.WithFences(ctx, fences...), id, now.Number, from)
	}
	if !here {
		c.remote = e.without.remove(id, now.Number)
		c.commit = c.remote.commit
	}
	if err = c.run(ctx); err == nil && !here {
		return c.remote.finish(ctx, now.Fires())
	}
	return from, err
}

// beginDelete begins the end of a job with the owner. It returns the version that ends.
func (e *Editor) beginDelete(ctx context.Context, id domain.JobID, ifVersion int, here bool) (
	now domain.Version, from int64, fences []store.Fence, end End, err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout) // the job's other edits wait
	defer cancel()
	if now, err = e.current(ctx, id, ifVersion); err != nil {
		return now, 0, nil, nil, err
	}
	if !here {
		return now, 0, nil, endNothing, nil
	}
	from, fences, end, err = e.owner.BeginDelete(id, now.Number)
	return now, from, fences, end, err
}
