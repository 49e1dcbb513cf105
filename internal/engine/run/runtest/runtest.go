// Package runtest makes jobs for tests of the engine's rooms.
package runtest

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/engine/run"
)

// Job returns a job whose only version is valid from instant zero and has the
// schedule. jitterMs is in milliseconds.
func Job(t testing.TB, schedule string, jitterMs int64, change ...func(*domain.SpecDoc)) *run.Job {
	t.Helper()
	d := domain.NewSpecDoc()
	d.Schedule, d.Type, d.API, d.JitterMs = schedule, domain.AtLeastOnce, "http://a.test/", jitterMs
	for _, fn := range change {
		fn(&d)
	}
	v := domain.Version{JobID: domain.JobID{1, 2, 3}, Number: 1, EffectiveTo: domain.Forever,
		Active: true, Spec: d.Spec}
	ver, err := run.NewVersion(&v)
	if err != nil {
		t.Fatal(err)
	}
	j := run.NewJob(v.JobID, 0, 0)
	j.Current = ver
	return j
}

// Fires returns the instants of the job's current version from first to last,
// in Unix milliseconds.
func Fires(j *run.Job, first, last int64) (out []int64) {
	for at := j.Current.NextAfter(j, first-1); at <= last; at = j.Current.NextAfter(j, at) {
		out = append(out, at)
	}
	return out
}
