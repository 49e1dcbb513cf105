package run

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// testJob returns a job with an every-few-seconds version, valid from zero.
func testJob(t testing.TB, schedule string, jitterMs int64) *Job {
	t.Helper()
	d := domain.NewSpecDoc()
	d.Schedule, d.Type, d.API, d.JitterMs = schedule, domain.AtLeastOnce, "http://a.test/", jitterMs
	v := domain.Version{JobID: domain.JobID{1, 2, 3}, Number: 1, EffectiveTo: domain.Forever,
		Active: true, Spec: d.Spec}
	ver, err := NewVersion(&v)
	if err != nil {
		t.Fatal(err)
	}
	j := NewJob(v.JobID, 0, 0)
	j.Current = ver
	return j
}
