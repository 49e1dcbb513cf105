package check

import (
	"fmt"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/cron/crontest"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// maxFires bounds the fires of one version in the window.
const maxFires = 1_000_000

type fireKey struct {
	job domain.JobID
	at  int64
}

// judge is a run, indexed by what is looked up in it.
type judge struct {
	run      *Run
	report   *Report
	expected map[fireKey]*Version
	sends    map[domain.ExecutionID][]Send
	records  map[domain.ExecutionID]*Record
	ranges   map[domain.JobID][]*Record // records that cover several fires
	triggers map[domain.ExecutionID]bool
}

// Judge puts everything that happened in the run into classes. It fails only if a
// schedule cannot be read, because then there is nothing to compare with.
func Judge(run *Run) (*Report, error) {
	j := &judge{
		run: run, report: &Report{Counts: make(map[Class]int)},
		expected: make(map[fireKey]*Version),
		sends:    make(map[domain.ExecutionID][]Send),
		records:  make(map[domain.ExecutionID]*Record),
		ranges:   make(map[domain.JobID][]*Record),
		triggers: make(map[domain.ExecutionID]bool),
	}
	j.index()
	for i := range run.Jobs {
		if err := j.expect(&run.Jobs[i]); err != nil {
			return nil, err
		}
	}
	j.report.Expected = len(j.expected)
	for key, v := range j.expected {
		j.fire(key, v)
	}
	j.unexplained()
	j.unended()
	j.report.addAll(run.stopped())
	return j.report, nil
}

func (j *judge) index() {
	for _, s := range j.run.Sends {
		j.sends[s.ExecutionID] = append(j.sends[s.ExecutionID], s)
	}
	for i := range j.run.Records {
		r := &j.run.Records[i]
		if duplicate := j.records[r.ExecutionID]; duplicate != nil {
			j.report.add(Fabricated, r.JobID, r.ScheduledAt, "two records of one execution")
		}
		j.records[r.ExecutionID] = r
		if r.From != 0 && r.From != r.ScheduledAt {
			j.ranges[r.JobID] = append(j.ranges[r.JobID], r)
		}
	}
	for _, id := range j.run.Triggers {
		j.triggers[id] = true
	}
}

// expect asks the calendar for the fires of a job.
func (j *judge) expect(job *Job) error {
	for i := range job.Versions {
		v := &job.Versions[i]
		if !v.Active && v.Until == 0 {
			continue
		}
		loc, err := cron.LoadLocation(v.Spec.Timezone)
		if err != nil {
			return fmt.Errorf("job %s version %d: %w", job.ID, v.Number, err)
		}
		calendar, err := crontest.New(crontest.Job{
			Text: v.Spec.Schedule, Zone: v.Spec.Timezone, Location: loc, Seed: cron.SeedOf(job.ID),
			Anchor: job.CreatedAt / 1000,
			Gap:    string(v.Spec.DST.Gap), Fold: string(v.Spec.DST.Fold),
		})
		if err != nil {
			return fmt.Errorf("job %s version %d: %w", job.ID, v.Number, err)
		}
		jitter := domain.JitterOffset(job.ID, v.Spec.JitterMs)
		from, to := max(j.run.From, v.From, v.Until, v.Spec.StartAt), min(j.run.Until, v.To)
		if v.Spec.EndAt != 0 {
			to = min(to, v.Spec.EndAt)
		}
		for _, s := range calendar.Between((from-jitter)/1000, (to-jitter)/1000+1, maxFires) {
			if at := s*1000 + jitter; at >= from && at < to {
				j.expected[fireKey{job.ID, at}] = v
			}
		}
	}
	return nil
}

// fire judges one fire that must be.
func (j *judge) fire(key fireKey, v *Version) {
	id := domain.NewExecutionID(key.job, key.at, 0)
	before := j.total()
	record, sends := j.records[id], j.sends[id]
	switch {
	case record == nil && j.inRange(key):
		if len(sends) > 0 {
			j.report.add(Fabricated, key.job, key.at, "recorded as not sent, but the target received it")
		}
	case record == nil && j.isLive(id):
		return // unended reports it
	case record == nil:
		j.report.add(Lost, key.job, key.at, fmt.Sprintf("no record; %d requests", len(sends)))
	default:
		if record.Version != v.Number {
			j.report.add(WrongVersion, key.job, key.at,
				fmt.Sprintf("recorded for version %d, version %d was valid", record.Version, v.Number))
		}
		j.agree(record, sends)
	}
	for _, s := range sends {
		if s.Version != 0 && s.Version != v.Number {
			j.report.add(WrongVersion, key.job, key.at,
				fmt.Sprintf("sent for version %d, version %d was valid", s.Version, v.Number))
		}
	}
	j.timely(key, sends)
	j.report.addAll(j.run.doubled(v, sends))
	if j.total() == before {
		j.report.add(OK, key.job, key.at, "")
	}
}

func (j *judge) total() int {
	n := 0
	for _, count := range j.report.Counts {
		n += count
	}
	return n
}

func (j *judge) inRange(key fireKey) bool {
	return slices.ContainsFunc(j.ranges[key.job], func(r *Record) bool {
		return r.From <= key.at && key.at <= r.ScheduledAt
	})
}

func (j *judge) isLive(id domain.ExecutionID) bool {
	return slices.ContainsFunc(j.run.Live, func(r Record) bool { return r.ExecutionID == id })
}

// agree compares a record with what the target saw.
func (j *judge) agree(r *Record, sends []Send) {
	answered := func(ok func(status int) bool) bool {
		return slices.ContainsFunc(sends, func(s Send) bool { return ok(s.Status) })
	}
	fault := ""
	switch r.Status {
	case domain.StatusSuccess:
		if !answered(func(status int) bool { return status/100 == 2 }) {
			fault = "recorded as SUCCESS, but the target never answered 2xx"
		}
	case domain.StatusFailed:
		if r.HTTPStatus != 0 && !answered(func(status int) bool { return status == r.HTTPStatus }) {
			fault = fmt.Sprintf("recorded with status %d, which the target never answered", r.HTTPStatus)
		} else if r.HTTPStatus == 0 && len(sends) == 0 && !j.unreachable(r.ScheduledAt) && !j.poison(r) {
			fault = "recorded as FAILED, but the target was there and received nothing: " + r.Reason
		}
	case domain.StatusSkipped, domain.StatusMissed:
		if len(sends) > 0 {
			fault = "recorded as " + string(r.Status) + ", but the target received it"
		}
	case domain.StatusUnknown:
	default:
		fault = "a record with the passing status " + string(r.Status)
	}
	if fault != "" {
		j.report.add(Fabricated, r.JobID, r.ScheduledAt, fault)
	}
}

// maxLateness is how long after its instant a fire may have begun to be sent for
// an outage of the target to excuse it.
const maxLateness = 60_000

// poisonAt is how many crashes in a row with a fire in flight end it.
const poisonAt = 3

// poison reports whether a record says that its fire ended as poison, and the
// server had enough outages since the fire was due.
func (j *judge) poison(r *Record) bool {
	crashes := 0
	for _, o := range j.run.Outages {
		if o.To > o.From && o.To >= r.ScheduledAt {
			crashes++
		}
	}
	for _, t := range j.run.Takeovers {
		if j.run.Shards > 0 && t.Shard == r.JobID.Shard(j.run.Shards) && t.At >= r.ScheduledAt {
			crashes++
		}
	}
	return strings.HasPrefix(r.Reason, "poison") && crashes >= poisonAt
}

// unreachable reports whether the target may have been out of reach of a fire.
func (j *judge) unreachable(at int64) bool {
	return j.run.TargetOutages == nil || slices.ContainsFunc(j.run.TargetOutages, func(o Outage) bool {
		return at <= o.To && o.From <= at+maxLateness
	})
}

func (j *judge) timely(key fireKey, sends []Send) {
	if len(sends) == 0 {
		return
	}
	switch first := sends[0].ReceivedAt; {
	case first < key.at-j.run.Slack:
		j.report.add(Early, key.job, key.at, fmt.Sprintf("received %d ms before its instant", key.at-first))
	case first > key.at+j.run.LateAfter:
		j.report.add(Late, key.job, key.at, "")
	}
}

// unexplained finds requests and records in the window that no fire explains.
func (j *judge) unexplained() {
	known := func(job domain.JobID, at int64, id domain.ExecutionID) bool {
		if j.triggers[id] || at < j.run.From || at >= j.run.Until {
			return true
		}
		_, ok := j.expected[fireKey{job, at}]
		return ok && id == domain.NewExecutionID(job, at, 0)
	}
	for id, sends := range j.sends {
		if s := sends[0]; !known(s.JobID, s.ScheduledAt, id) {
			j.report.add(Phantom, s.JobID, s.ScheduledAt, fmt.Sprintf("%d requests for no fire of the job", len(sends)))
		}
	}
	for id, r := range j.records {
		if !known(r.JobID, r.ScheduledAt, id) {
			j.report.add(Phantom, r.JobID, r.ScheduledAt, "a record of no fire of the job")
		}
	}
}

// unended finds what should have ended: live fires of the window and triggers
// without a record.
func (j *judge) unended() {
	for _, r := range j.run.Live {
		if r.ScheduledAt >= j.run.From && r.ScheduledAt < j.run.Until {
			j.report.add(Stuck, r.JobID, r.ScheduledAt, "still "+string(r.Status))
		}
	}
	for id := range j.triggers {
		inWindow := id.ScheduledAt() >= j.run.From && id.ScheduledAt() < j.run.Until
		if inWindow && j.records[id] == nil && !j.isLive(id) {
			j.report.add(Lost, domain.JobID{}, id.ScheduledAt(), "no record of the trigger "+id.String())
		}
	}
}
