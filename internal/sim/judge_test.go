package sim

import (
	"context"
	"fmt"
	"math"
	"net/url"
	"reflect"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/sim/check"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// later is added to the times of requests, which are measured on a clock that nobody
// sets, so that no instant of the calendar is after them. Whether a request was early is
// checked here, by the wall clock at that moment.
const later = int64(1) << 50

// judge holds the day against what the client knows, and returns how many
// fires there had to be.
func (w *world) judge() int {
	run := &check.Run{From: w.first, Until: w.now(), LateAfter: math.MaxInt64 / 4}
	editOf := make(map[int][]check.Version) // the client's edit -> what it has made, oldest first
	for _, k := range w.client.list() {
		run.Jobs = append(run.Jobs, w.recall(k, editOf))
	}
	counted := w.readRecords(run)
	w.readRequests(run, editOf)
	for id, answered := range w.client.triggers {
		if answered || seen(run, id) {
			run.Triggers = append(run.Triggers, id)
		}
	}
	for _, o := range w.outages {
		run.Outages = append(run.Outages, check.Outage{From: o.From + later, To: o.To + later})
	}
	run.Explains = w.explain
	report, err := check.Judge(run)
	if err != nil {
		panic(err)
	}
	for _, f := range report.Findings {
		w.fault("%s: job %s at %s: %s", f.Class, f.JobID, time.UnixMilli(f.ScheduledAt).UTC().Format("02 15:04:05.000"),
			f.Detail)
	}
	if counted != report.Expected && report.Bad() == 0 {
		w.fault("%d fires, but the records stand for %d:%s", report.Expected, counted, overlaps(run))
	}
	w.judgeRequests()
	return report.Expected
}

// overlaps lists the records that cover several fires, and what others lie within them.
func overlaps(run *check.Run) (text string) {
	for i := range run.Records {
		r := &run.Records[i]
		if r.From == r.ScheduledAt {
			continue
		}
		for k := range run.Records {
			if o := &run.Records[k]; k != i && !o.Manual && o.JobID == r.JobID && o.From <= r.ScheduledAt &&
				o.ScheduledAt >= r.From {
				text += fmt.Sprintf("\n%s from %d to %d (%s), and within: %s from %d to %d (%s)", r.Status, r.From,
					r.ScheduledAt, r.Reason, o.Status, o.From, o.ScheduledAt, o.Reason)
			}
		}
	}
	return text
}

func seen(run *check.Run, id domain.ExecutionID) bool {
	for i := range run.Records {
		if run.Records[i].ExecutionID == id {
			return true
		}
	}
	for i := range run.Sends {
		if run.Sends[i].ExecutionID == id {
			return true
		}
	}
	return false
}

// recall makes the timeline of a job from the client's memory. The database is
// asked for what became of unclear edits only, and has to agree with the rest.
func (w *world) recall(k *known, editOf map[int][]check.Version) check.Job {
	stored, err := w.db.Jobs().Versions(context.Background(), k.id, store.WholeVersions)
	if err != nil {
		panic(err)
	}
	job := check.Job{ID: k.id, CreatedAt: k.createdAt}
	found := 0
	for i := range stored {
		v := stored[i]
		acked, isAcked := k.acked[v.Number]
		if isAcked {
			found++
			if acked.EffectiveFrom != v.EffectiveFrom || acked.Active != v.Active ||
				acked.Pause != v.Pause || !reflect.DeepEqual(acked.Spec, v.Spec) {
				w.fault("edit: version %d of %s is stored as %+v, and was answered as %+v", v.Number, k.id, v, acked)
			}
			v = acked
		} else if !k.hasAsked(&v) && (i == 0 || !ends(&stored[i-1], &v)) {
			w.fault("edit: version %d of %s is nobody's: %+v", v.Number, k.id, v)
		}
		to := stored[i].EffectiveTo
		if i+1 < len(stored) && to != stored[i+1].EffectiveFrom {
			w.fault("edit: a hole after version %d of %s", v.Number, k.id)
		}
		made := check.Version{Number: v.Number, From: v.EffectiveFrom, To: to, Active: v.Active, Until: v.Pause.Until,
			Spec: v.Spec}
		job.Versions = append(job.Versions, made)
		edit := editIn(v.Spec.API)
		editOf[edit] = append(editOf[edit], made)
	}
	if found != len(k.acked) {
		w.fault("edit: %d of %d answered versions of %s are stored", found, len(k.acked), k.id)
	}
	w.checkEnd(k, stored)
	return job
}

func (k *known) hasAsked(v *domain.Version) bool {
	for i := range k.asked {
		if a := &k.asked[i]; a.Active == v.Active && a.Pause == v.Pause && reflect.DeepEqual(a.Spec, v.Spec) {
			return true
		}
	}
	return false
}

// checkEnd holds the end of a job against the answer to its delete.
func (w *world) checkEnd(k *known, stored []domain.Version) {
	if len(stored) == 0 {
		return
	}
	switch end := stored[len(stored)-1].EffectiveTo; {
	case k.deletedAt != 0 && end != k.deletedAt:
		w.fault("edit: %s ended at %d, and %d was answered", k.id, end, k.deletedAt)
	case !k.deleted && end != domain.Forever:
		w.fault("edit: nobody ended %s", k.id)
	}
}

// readRecords reads the records of the database, and returns how many scheduled fires
// they cover.
func (w *world) readRecords(run *check.Run) (counted int) {
	w.statuses = make(map[domain.Status]int)
	facts := w.facts()
	for i := range facts {
		x := &facts[i]
		w.statuses[x.Status]++
		r := check.Record{
			JobID: x.JobID, ExecutionID: x.ID(), ScheduledAt: x.ScheduledAt, Version: x.Version,
			Status: x.Status, HTTPStatus: x.HTTPStatus, Manual: x.Nonce != 0, From: x.ScheduledAt, Reason: x.Error,
		}
		if x.Missed != nil {
			r.From = x.Missed.From
		}
		if !r.Manual {
			counted += int(x.Fires())
		}
		run.Records = append(run.Records, r)
	}
	for _, o := range w.openRuns() {
		run.Live = append(run.Live, check.Record{
			JobID: o.JobID, ExecutionID: o.ID(), ScheduledAt: o.ScheduledAt, Version: o.Version,
			Status: domain.StatusPending,
		})
	}
	return counted
}

// facts reads the whole history.
func (w *world) facts() (all []domain.Execution) {
	for page := (store.Page{Limit: 2_000}); ; {
		part, err := store.Recent(context.Background(), w.db.History(), page)
		if err != nil {
			panic(err)
		}
		all = append(all, part...)
		if len(part) < page.Limit {
			return all
		}
		page.Before = part[len(part)-1].FireKey
	}
}

func (w *world) openRuns() (runs []domain.OpenRun) {
	err := w.db.Ledger().OpenRuns(context.Background(), store.ShardSet{}, func(r domain.OpenRun) error {
		runs = append(runs, r)
		return nil
	})
	if err != nil {
		panic(err)
	}
	return runs
}

func (w *world) readRequests(run *check.Run, editOf map[int][]check.Version) {
	for _, r := range w.targets.requests {
		run.Sends = append(run.Sends, check.Send{
			JobID: r.key.JobID, ExecutionID: r.key.ID(), ScheduledAt: r.key.ScheduledAt, Attempt: r.attempt,
			ReceivedAt: r.at.Milliseconds() + later, Took: r.took.Milliseconds(), Status: r.status,
			Version: numberAt(editOf[r.edit], r.key.ScheduledAt), Process: r.process,
			BegunAt: r.begun.Milliseconds() + later,
		})
	}
}

// numberAt returns which of the versions of one edit a request was made for. There are two where a pause has ended by
// itself: both call the same URL.
func numberAt(made []check.Version, at int64) (number int) {
	for i := range made {
		if i == 0 || made[i].From <= at {
			number = made[i].Number
		}
	}
	return number
}

// judgeRequests looks for what package check does not: requests before their
// instant, at-most-once requests that came twice, and those of a job that was
// paused or deleted.
func (w *world) judgeRequests() {
	once := make(map[domain.FireKey]bool)
	ofJob := make(map[domain.JobID][]*request)
	for _, r := range w.targets.requests {
		if r.wall < r.key.ScheduledAt-w.early && r.key.Nonce == 0 {
			w.fault("early: %v was sent %d ms before its instant", r.key, r.key.ScheduledAt-r.wall)
		}
		if r.once && once[r.key] {
			w.fault("twice: %v is at most once", r.key)
		}
		once[r.key] = once[r.key] || r.once
		if r.key.Nonce == 0 {
			ofJob[r.key.JobID] = append(ofJob[r.key.JobID], r)
		}
	}
	for _, s := range w.client.silences {
		for _, r := range ofJob[s.job.id] {
			if r.begun > s.from && (s.until == 0 || r.begun < s.until) &&
				(s.before == 0 || r.key.ScheduledAt < s.before) {
				w.fault("after a stop: %v was sent %s after the answer", r.key, r.begun-s.from)
			}
		}
	}
}

// editIn reads which edit a URL is of.
func editIn(api string) int {
	u, err := url.Parse(api)
	if err != nil {
		panic(err)
	}
	return int(number(u.Query(), "edit"))
}
