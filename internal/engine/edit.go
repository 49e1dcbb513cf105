package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
)

const (
	commitTimeout = 15 * time.Second       // of one edit
	askAgain      = 200 * time.Millisecond // between tries after an unclear answer
	maxUnclear    = 64                     // creations whose outcome is not known
)

// effective chooses the instant from which an edit is valid: after anything
// that was sent or settled, and after now. It holds W below that instant until
// let go, so that no watermark passes a fire of the new version before the
// timetable knows it.
func (e *Engine) effective(j *job) (from int64, letGo func()) {
	e.mu.Lock()
	defer e.mu.Unlock()
	from = max(e.now(), e.proposed, e.released) + 1
	if j != nil {
		j.mu.Lock()
		j.putAside().holdFrom = from
		j.mu.Unlock()
	}
	e.pending.add(from, 1)
	return from, func() { e.pending.done(from, 1) }
}

// Create makes one job for each document, in order. A document that is not
// valid carries its error and does not spoil the rest. The others are one
// commit: when the store fails, each of them carries that error.
func (e *Engine) Create(ctx context.Context, docs []domain.SpecDoc) []Created {
	out := make([]Created, len(docs))
	if err := e.admitCreate(); err != nil {
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	now := e.now()
	from, letGo := e.effective(nil)
	ids := domain.NewJobIDs(now, len(docs))
	jobs := make([]*job, 0, len(docs))
	versions := make([]domain.Version, 0, len(docs))
	for i := range docs {
		e.cfg.Pace.Step(i) // an import lets fires pass
		v := domain.Version{
			JobID: ids[i], Number: 1, EffectiveFrom: from, EffectiveTo: domain.Forever,
			CreatedAt: now, Active: docs[i].IsActive, Spec: docs[i].Spec,
		}
		out[i] = Created{Version: v, Err: v.Validate()}
		if out[i].Err != nil {
			continue
		}
		ver, err := newVersion(&v)
		if err != nil {
			out[i].Err = err
			continue
		}
		j := newJob(v.JobID, v.CreatedAt)
		j.current = ver
		jobs, versions = append(jobs, j), append(versions, v)
	}
	if len(jobs) == 0 {
		letGo()
		return out
	}
	if err := e.commitNew(ctx, jobs, versions, letGo); err != nil {
		for i := range out {
			if out[i].Err == nil {
				out[i].Err = err
			}
		}
		return out
	}
	failpoint.Hit("engine.created")
	e.install(jobs)
	letGo()
	return out
}

// admitCreate refuses new jobs while the outcome of too many others is open.
func (e *Engine) admitCreate() error {
	if e.unclear.Load() < maxUnclear {
		return nil
	}
	return domain.Unavailable(e.storeError(), "the store does not answer")
}

// commitNew stores new jobs. After an unclear answer it looks whether they are
// there. When even that cannot be known it undoes them in the background, and
// W waits: a job that is stored and that nobody fires would lose its fires.
// letGo is called on an error, or is the caller's to call.
func (e *Engine) commitNew(ctx context.Context, jobs []*job, versions []domain.Version, letGo func()) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	if err := e.keepRulesOf(ctx, jobs); err != nil {
		letGo()
		return err
	}
	err := e.store.Jobs().Create(ctx, versions)
	if err == nil {
		return nil
	}
	if definite(err) {
		letGo()
		return err
	}
	_, again := e.store.Jobs().Get(ctx, versions[0].JobID)
	switch {
	case again == nil && !isGone(err):
		return nil
	case domain.ErrorCode(again) == domain.CodeNotFound:
		letGo()
		return domain.Unavailable(err, "the job could not be stored")
	}
	e.unclear.Add(1)
	go func() {
		defer e.unclear.Add(-1)
		if e.untilKnown(context.Background(), func(ctx context.Context) error { return e.undoNew(ctx, versions) }) {
			letGo()
		}
	}()
	return domain.Unavailable(err, "the job could not be stored")
}

// undoNew deletes jobs that may be stored, from their first instant on. It
// stores them first: a commit that is still under way ends before this one, and
// only then is it known what there is to delete.
func (e *Engine) undoNew(ctx context.Context, versions []domain.Version) error {
	if err := e.store.Jobs().Create(ctx, versions); err != nil && !definite(err) {
		return err
	}
	for i := range versions {
		v := &versions[i]
		if err := e.store.Jobs().Delete(ctx, v.JobID, v.Number, v.EffectiveFrom); err != nil && !definite(err) {
			return err
		}
	}
	return nil
}

// installPart is how many new jobs are put into the timetable at a time: fires
// that are due wait for its lock.
const installPart = 128

// install puts new jobs into the timetable.
func (e *Engine) install(jobs []*job) {
	for i, j := range jobs { // nobody else knows them yet
		e.cfg.Pace.Step(i)
		j.next = j.current.nextAfter(j, j.current.from-1)
	}
	for part := range slices.Chunk(jobs, installPart) {
		e.mu.Lock()
		for _, j := range part {
			e.jobs.put(j)
			e.countActive(nil, j.current)
			e.place(j)
		}
		e.mu.Unlock()
	}
	e.nudge()
}

func (e *Engine) countActive(old, now *version) {
	if old != nil && old.active {
		e.active--
	}
	if now != nil && now.active {
		e.active++
	}
}

// definite reports whether the error is about the caller's data: the store has
// not changed. Any other leaves open whether it committed.
func definite(err error) bool {
	var de *domain.Error
	return errors.As(err, &de) && de.Code != domain.CodeUnavailable && de.Code != domain.CodeInternal
}

// lookup returns a job that is not deleted.
func (e *Engine) lookup(id domain.JobID) (*job, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if j := e.jobs.get(id); j != nil {
		return j, nil
	}
	return nil, domain.NotFound("job", id)
}

// lockEdits waits for the job's other edits.
func (e *Engine) lockEdits(ctx context.Context, id domain.JobID) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if unlock, err = e.edits.lock(ctx, id); err != nil {
		return nil, domain.Unavailable(e.storeError(), "another change of this job is still under way")
	}
	return unlock, nil
}

// Update changes a job: change gets the current document and alters it. A
// change that alters nothing makes no version. ifVersion zero takes any
// current version; another number is refused with CodeConflict unless it is
// the current one.
func (e *Engine) Update(ctx context.Context, id domain.JobID, ifVersion int, change func(*domain.SpecDoc) error) (domain.Version, error) {
	unlock, err := e.lockEdits(ctx, id)
	if err != nil {
		return domain.Version{}, err
	}
	j, err := e.lookup(id)
	if err != nil {
		unlock()
		return domain.Version{}, err
	}
	next, ver, err := e.draft(ctx, j, ifVersion, change)
	if err != nil || ver == nil {
		unlock()
		return next, err
	}
	var letGo func()
	next.EffectiveFrom, letGo = e.effective(j)
	ver.from = next.EffectiveFrom
	err = e.commitEdit(ctx, editOf{
		job: j, from: next.EffectiveFrom, number: next.Number,
		commit: func(ctx context.Context) error { return e.store.Jobs().Update(ctx, next) },
		apply:  func() { e.settleEdit(j, ver, next.EffectiveFrom, stoppedByPause); e.endAside(ctx, j) },
		finish: func() { letGo(); unlock() },
	})
	return next, err
}

// draft makes the next version, compiled but not yet effective. Where the
// change alters nothing it returns the current version and nil.
func (e *Engine) draft(ctx context.Context, j *job, ifVersion int, change func(*domain.SpecDoc) error) (domain.Version, *version, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout) // the job's other edits wait
	defer cancel()
	cur, err := e.store.Jobs().Get(ctx, j.id)
	if err != nil {
		return domain.Version{}, nil, err
	}
	v := cur.Current
	if ifVersion != 0 && ifVersion != v.Number {
		return v, nil, domain.Conflict("the job is at version %d, not %d: read it again", v.Number, ifVersion)
	}
	doc := domain.SpecDoc{Spec: v.Spec, IsActive: v.Active}
	if err := doc.Spoil(v.Unread); err != nil {
		return v, nil, err
	}
	if err := change(&doc); err != nil {
		return v, nil, err
	}
	if doc.Namespace != v.Spec.Namespace {
		return v, nil, domain.Invalid("namespace", "must stay as it is, "+v.Spec.Namespace+": a job does not move; create it anew", doc.Namespace)
	}
	if doc.IsActive == v.Active && reflect.DeepEqual(doc.Spec, v.Spec) && v.Unusable() == nil {
		return v, nil, nil
	}
	next := domain.Version{
		JobID: v.JobID, Number: v.Number + 1, CreatedAt: v.CreatedAt,
		EffectiveFrom: e.now(), EffectiveTo: domain.Forever, Active: doc.IsActive, Spec: doc.Spec,
	}
	if err := next.Validate(); err != nil {
		return v, nil, err
	}
	ver, err := newVersion(&next)
	if err == nil {
		err = e.keepRules(ctx, ver)
	}
	return next, ver, err
}

// Delete ends a job. It returns the instant from which the job has no fires.
func (e *Engine) Delete(ctx context.Context, id domain.JobID, ifVersion int) (int64, error) {
	unlock, err := e.lockEdits(ctx, id)
	if err != nil {
		return 0, err
	}
	j, err := e.lookup(id)
	if err != nil {
		unlock()
		return 0, err
	}
	number := e.currentNumber(j)
	if ifVersion != 0 && ifVersion != number {
		unlock()
		return 0, domain.Conflict("the job is at version %d, not %d: read it again", number, ifVersion)
	}
	at, letGo := e.effective(j)
	err = e.commitEdit(ctx, editOf{
		job: j, from: at, number: number + 1, deletes: true,
		commit: func(ctx context.Context) error { return e.store.Jobs().Delete(ctx, id, number, at) },
		apply:  func() { e.settleEdit(j, nil, at, stoppedByDelete); e.endAside(ctx, j) },
		finish: func() { letGo(); unlock() },
	})
	return at, err
}

func (e *Engine) currentNumber(j *job) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return int(j.current.number)
}

// editOf is one edit on its way to the store.
type editOf struct {
	job     *job
	from    int64
	number  int // of the version that the edit makes
	deletes bool
	commit  func(context.Context) error
	apply   func() // the store has it
	finish  func() // always, once the outcome is known
}

// commitEdit commits an edit and applies it. While the outcome is not known
// the job stays held: nothing is sent that the edit may have ended. The caller
// gets its answer at once; the question is asked again in the background.
func (e *Engine) commitEdit(ctx context.Context, ed editOf) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err := ed.commit(ctx)
	switch {
	case err == nil:
		failpoint.Hit("engine.edit-committed")
		ed.apply()
		failpoint.Hit("engine.edit-applied")
	case definite(err):
		e.settleEdit(ed.job, nil, 0, "")
	default:
		done, known := e.ask(ctx, ed)
		if !known || done && isGone(err) {
			go e.commitUntilKnown(context.WithoutCancel(ctx), ed)
			return domain.Unavailable(err, "the change could not be stored; whether it was is not known yet")
		}
		e.conclude(ed, done)
		ed.finish()
		if done {
			return nil
		}
		return domain.Unavailable(err, "the change could not be stored")
	}
	ed.finish()
	return err
}

func (e *Engine) conclude(ed editOf, done bool) {
	if done {
		ed.apply()
	} else {
		e.settleEdit(ed.job, nil, 0, "")
	}
}

// ask reads whether an edit was committed.
func (e *Engine) ask(ctx context.Context, ed editOf) (done, known bool) {
	cur, err := e.store.Jobs().Get(ctx, ed.job.id)
	switch {
	case err == nil:
		return !ed.deletes && cur.Current.Number >= ed.number, true
	case domain.ErrorCode(err) == domain.CodeNotFound:
		return ed.deletes, true
	}
	return false, false
}

// commitUntilKnown repeats an edit until the store says what became of it. A
// read would not do: a commit that is still under way is not seen by it, and
// may end after it. The context only says who made the edit.
func (e *Engine) commitUntilKnown(by context.Context, ed editOf) {
	done := true
	known := e.untilKnown(by, func(ctx context.Context) error {
		err := ed.commit(ctx)
		if err != nil && definite(err) {
			done = false
			return nil
		}
		return err
	})
	if known {
		e.conclude(ed, done)
		ed.finish()
	}
}

// untilKnown repeats a call to the store until it succeeds. It returns false
// when the engine stops first: the next start reads what the store has.
func (e *Engine) untilKnown(by context.Context, call func(context.Context) error) bool {
	for !e.stopping.Load() {
		clock.Wait(context.Background(), askAgain)
		ctx, cancel := context.WithTimeout(by, commitTimeout)
		err := call(ctx)
		cancel()
		if err == nil {
			return true
		}
	}
	return false
}

// settleEdit makes an edit valid from the instant and lets the job go on. With
// from zero the edit did not happen. next nil deletes the job.
func (e *Engine) settleEdit(j *job, next *version, from int64, stopReason string) {
	var late []*span
	e.mu.Lock()
	if from != 0 {
		old := j.current
		old.to.Store(from)
		late = e.finish(j, from)
		if next == nil || !next.active {
			j.stopBefore(from, stopReason)
		}
		j.next = never
		e.countActive(old, next)
		if next != nil {
			j.current = next
			j.next = next.nextAfter(j, from-1)
			e.place(j)
		} else {
			e.jobs.remove(j.id)
		}
	}
	j.mu.Lock()
	a := j.putAside()
	held := a.held
	a.holdFrom, a.held = never, nil
	j.tidy()
	j.mu.Unlock()
	e.mu.Unlock()
	// Held fires come back through admission or the send rule, which drop
	// those that the edit has ended. So do retries of a job that was stopped.
	entered, staged := split(held, func(f *fire) bool { return f.entered })
	e.release(staged)
	e.addLate(late)
	e.dispatch(append(entered, e.retries.take(func(f *fire) bool {
		return f.job == j && j.stopReason(f.at) != ""
	})...))
	e.nudge()
}

// split parts the fires into those that match and the others.
func split(fires []*fire, match func(*fire) bool) (yes, no []*fire) {
	for _, f := range fires {
		if match(f) {
			yes = append(yes, f)
		} else {
			no = append(no, f)
		}
	}
	return yes, no
}
