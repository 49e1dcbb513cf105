package engine

import (
	"context"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/hold"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
	"github.com/belfry-scheduler/belfry/internal/failpoint"
)

const (
	commitTimeout = 15 * time.Second       // of one edit
	askAgain      = 200 * time.Millisecond // between tries after an unclear answer
	maxUnclear    = 64                     // creations whose outcome is not known
)

// effective chooses the instant from which an edit is valid: after anything
// that was sent or is below W, and after now. It holds W below that instant until
// release is called, so that no watermark passes a fire of the new version before the
// timetable knows it.
func (e *editor) effective(j *run.Job) (from int64, release func()) {
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	from, release = e.holdLocked(j.Shard)
	j.Mu.Lock()
	j.OpenBacklog().EditFrom = from
	j.Mu.Unlock()
	return from, release
}

// effectiveNew is effective for jobs that are to be created.
func (e *editor) effectiveNew(ids []domain.JobID) (from int64, release func()) {
	var shards []uint8
	for _, id := range ids {
		if n := e.shards.Number(id); !slices.Contains(shards, n) {
			shards = append(shards, n)
		}
	}
	e.registry.mu.Lock()
	defer e.registry.mu.Unlock()
	return e.holdLocked(shards...)
}

// holdLocked chooses the instant of an edit in the shards and holds their watermarks
// below it. Call with the lock of the registry held.
func (e *editor) holdLocked(shards ...uint8) (from int64, release func()) {
	from = max(e.now(), e.registry.table.Frontier())
	for _, n := range shards {
		from = max(from, e.shards.At(n).Proposed())
	}
	from++
	tokens := make([]hold.Token, len(shards))
	for i, n := range shards {
		tokens[i] = e.shards.Holds.Take(n, from)
	}
	return from, func() {
		for i := range tokens {
			tokens[i].Release()
		}
	}
}

// create makes one job for each document, in order. A document that is not
// valid carries its error and does not spoil the rest. The others are one
// commit: when the store fails, each of them carries that error.
func (e *editor) create(ctx context.Context, docs []domain.SpecDoc) []Created {
	out := make([]Created, len(docs))
	if err := e.admitCreate(); err != nil {
		for i := range out {
			out[i].Err = err
		}
		return out
	}
	now := e.now()
	ids := domain.NewJobIDs(now, len(docs))
	from, release := e.effectiveNew(ids)
	jobs := make([]*run.Job, 0, len(docs))
	versions := make([]domain.Version, 0, len(docs))
	for i := range docs {
		e.pace.Step(i) // an import lets fires pass
		v := domain.Version{
			JobID: ids[i], Number: 1, EffectiveFrom: from, EffectiveTo: domain.Forever,
			CreatedAt: now, Active: docs[i].IsActive, Spec: docs[i].Spec,
		}
		out[i] = Created{Version: v, Err: v.Validate()}
		if out[i].Err != nil {
			continue
		}
		ver, err := run.NewVersion(&v)
		if err != nil {
			out[i].Err = err
			continue
		}
		j := run.NewJob(v.JobID, v.CreatedAt, e.shards.Number(v.JobID))
		j.Current = ver
		jobs, versions = append(jobs, j), append(versions, v)
	}
	if len(jobs) == 0 {
		release()
		return out
	}
	if err := e.commitNew(ctx, jobs, versions, release); err != nil {
		for i := range out {
			if out[i].Err == nil {
				out[i].Err = err
			}
		}
		return out
	}
	failpoint.Hit("engine.created")
	e.install(jobs)
	release()
	return out
}

// admitCreate refuses new jobs while the outcome of too many others is open.
func (e *editor) admitCreate() error {
	if e.unclear.Load() < maxUnclear {
		return nil
	}
	return domain.Unavailable(e.watch.cause(), "the store does not answer")
}

// commitNew stores new jobs. After an unclear answer it looks whether they are
// there. When even that cannot be known it undoes them in the background, and
// W waits: a job that is stored and that nobody fires would lose its fires.
// release is called on an error, or is the caller's to call.
func (e *editor) commitNew(ctx context.Context, jobs []*run.Job, versions []domain.Version, release func()) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	if err := e.rules.keepOfJobs(ctx, jobs); err != nil {
		release()
		return err
	}
	err := e.store.Jobs().Create(ctx, versions)
	if err == nil {
		return nil
	}
	if definite(err) {
		release()
		return err
	}
	_, again := e.store.Jobs().Get(ctx, versions[0].JobID)
	switch {
	case again == nil && !isGone(err):
		return nil
	case domain.ErrorCode(again) == domain.CodeNotFound:
		release()
		return domain.Unavailable(err, "the job could not be stored")
	}
	e.unclear.Add(1)
	by := context.WithoutCancel(ctx)
	e.inBackground(func() {
		defer e.unclear.Add(-1)
		if e.untilKnown(by, func(ctx context.Context) error { return e.undoNew(ctx, versions) }) {
			release()
		}
	})
	return domain.Unavailable(err, "the job could not be stored")
}

// undoNew deletes jobs that may be stored, from their first instant on. It
// stores them first: a commit that is still under way ends before this one, and
// only then is it known what there is to delete.
func (e *editor) undoNew(ctx context.Context, versions []domain.Version) error {
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
func (e *editor) install(jobs []*run.Job) {
	for i, j := range jobs { // nobody else knows them yet
		e.pace.Step(i)
		j.Next = j.Current.NextAfter(j, j.Current.From-1)
	}
	for part := range slices.Chunk(jobs, installPart) {
		e.registry.mu.Lock()
		for _, j := range part {
			e.registry.jobs.Put(j)
			e.registry.countActive(nil, j.Current)
			e.registry.table.Place(j)
		}
		e.registry.mu.Unlock()
	}
	e.loop.nudge()
}

// definite reports whether the error is about the caller's data: the store has
// not changed. Any other leaves open whether it committed.
func definite(err error) bool {
	var de *domain.Error
	return errors.As(err, &de) && de.Code != domain.CodeUnavailable && de.Code != domain.CodeInternal
}

// lockEdits waits for the job's other edits.
func (e *editor) lockEdits(ctx context.Context, id domain.JobID) (unlock func(), err error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout)
	defer cancel()
	if unlock, err = e.edits.lock(ctx, id); err != nil {
		return nil, domain.Unavailable(e.watch.cause(), "another change of this job is still under way")
	}
	return unlock, nil
}

// update changes a job: change gets the current document and alters it. A
// change that alters nothing makes no version. ifVersion zero takes any
// current version; another number is refused with CodeConflict unless it is
// the current one.
func (e *editor) update(ctx context.Context, id domain.JobID, ifVersion int,
	change func(*domain.SpecDoc) error) (domain.Version, error) {
	unlock, err := e.lockEdits(ctx, id)
	if err != nil {
		return domain.Version{}, err
	}
	j, err := e.registry.lookup(id)
	if err != nil {
		unlock()
		return domain.Version{}, err
	}
	next, ver, err := e.draft(ctx, j, ifVersion, change)
	if err != nil || ver == nil {
		unlock()
		return next, err
	}
	var release func()
	next.EffectiveFrom, release = e.effective(j)
	ver.From = next.EffectiveFrom
	err = e.commitEdit(ctx, editOf{
		job: j, from: next.EffectiveFrom, number: next.Number,
		commit: func(ctx context.Context) error { return e.store.Jobs().Update(ctx, next) },
		apply:  func() { e.applyEdit(j, ver, next.EffectiveFrom, run.StoppedByPause); e.endUnusable(ctx, j) },
		finish: func() { release(); unlock() },
	})
	return next, err
}

// draft makes the next version, compiled but not yet effective. Where the
// change alters nothing it returns the current version and nil.
func (e *editor) draft(ctx context.Context, j *run.Job, ifVersion int,
	change func(*domain.SpecDoc) error) (domain.Version, *run.Version, error) {
	ctx, cancel := context.WithTimeout(ctx, commitTimeout) // the job's other edits wait
	defer cancel()
	cur, err := e.store.Jobs().Get(ctx, j.ID)
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
		return v, nil, domain.Invalid("namespace", "must stay as it is, "+v.Spec.Namespace+
			": a job does not move; create it anew", doc.Namespace)
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
	ver, err := run.NewVersion(&next)
	if err == nil {
		err = e.rules.keepOf(ctx, ver)
	}
	return next, ver, err
}

// remove ends a job. It returns the instant from which the job has no fires.
func (e *editor) remove(ctx context.Context, id domain.JobID, ifVersion int) (int64, error) {
	unlock, err := e.lockEdits(ctx, id)
	if err != nil {
		return 0, err
	}
	j, err := e.registry.lookup(id)
	if err != nil {
		unlock()
		return 0, err
	}
	number := e.registry.currentNumber(j)
	if ifVersion != 0 && ifVersion != number {
		unlock()
		return 0, domain.Conflict("the job is at version %d, not %d: read it again", number, ifVersion)
	}
	at, release := e.effective(j)
	err = e.commitEdit(ctx, editOf{
		job: j, from: at, number: number + 1, deletes: true,
		commit: func(ctx context.Context) error { return e.store.Jobs().Delete(ctx, id, number, at) },
		apply:  func() { e.applyEdit(j, nil, at, run.StoppedByDelete); e.endUnusable(ctx, j) },
		finish: func() { release(); unlock() },
	})
	return at, err
}

// editOf is one edit on its way to the store.
type editOf struct {
	job     *run.Job
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
func (e *editor) commitEdit(ctx context.Context, ed editOf) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), commitTimeout)
	defer cancel()
	err := ed.commit(ctx)
	switch {
	case err == nil:
		failpoint.Hit("engine.edit-committed")
		ed.apply()
		failpoint.Hit("engine.edit-applied")
	case definite(err):
		e.applyEdit(ed.job, nil, 0, "")
	default:
		done, known := e.ask(ctx, ed)
		if !known || done && isGone(err) {
			by := context.WithoutCancel(ctx)
			e.inBackground(func() { e.commitUntilKnown(by, ed) })
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

func (e *editor) conclude(ed editOf, done bool) {
	if done {
		ed.apply()
	} else {
		e.applyEdit(ed.job, nil, 0, "")
	}
}

// ask reads whether an edit was committed.
func (e *editor) ask(ctx context.Context, ed editOf) (done, known bool) {
	cur, err := e.store.Jobs().Get(ctx, ed.job.ID)
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
func (e *editor) commitUntilKnown(by context.Context, ed editOf) {
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
func (e *editor) untilKnown(by context.Context, call func(context.Context) error) bool {
	by, cancel := context.WithCancel(by)
	defer cancel()
	defer context.AfterFunc(e.ending, cancel)()
	for clock.Wait(by, askAgain) {
		ctx, cancel := context.WithTimeout(by, commitTimeout)
		err := call(ctx)
		cancel()
		if err == nil {
			return true
		}
	}
	return false
}

// applyEdit makes an edit valid from the instant and ends the hold on the job's fires.
// With from zero the edit did not happen. next nil deletes the job.
func (e *editor) applyEdit(j *run.Job, next *run.Version, from int64, stopReason string) {
	var late []*run.Span
	e.registry.mu.Lock()
	if from != 0 {
		old := j.Current
		old.To.Store(from)
		late = e.registry.table.FinishVersion(j, from, e.now())
		if next == nil || !next.Active {
			j.StopBefore(from, stopReason)
		}
		j.Next = run.Never
		e.registry.countActive(old, next)
		if next != nil {
			j.Current = next
			j.Next = next.NextAfter(j, from-1)
			e.registry.table.Place(j)
		} else {
			e.registry.jobs.Remove(j.ID)
		}
	}
	j.Mu.Lock()
	a := j.OpenBacklog()
	held := a.AwaitEdit
	a.EditFrom, a.AwaitEdit = run.Never, nil
	j.FreeBacklog()
	j.Mu.Unlock()
	e.registry.mu.Unlock()
	// Held fires come back through admission or the send rule, which drop
	// those that the edit has ended. So do retries of a job that was stopped.
	entered, staged := split(held, func(r *run.Run) bool { return r.Entered })
	e.runner.release(staged)
	e.runner.addLate(late)
	e.runner.dispatch(append(entered, e.runner.retries.Take(func(r *run.Run) bool {
		return r.Job == j && j.StopReason(r.At) != ""
	})...))
	e.loop.nudge()
}

// split parts the fires into those that match and the others.
func split(fires []*run.Run, match func(*run.Run) bool) (yes, no []*run.Run) {
	for _, r := range fires {
		if match(r) {
			yes = append(yes, r)
		} else {
			no = append(no, r)
		}
	}
	return yes, no
}
