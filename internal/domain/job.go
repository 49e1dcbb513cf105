package domain

import (
	"math"

	"github.com/belfry-scheduler/belfry/internal/cron"
)

// Forever is the EffectiveTo of a version that is not closed.
const Forever int64 = math.MaxInt64

// Job is what a user registers, with its current version.
type Job struct {
	ID        JobID
	CreatedAt int64 // Unix milliseconds
	UpdatedAt int64
	Current   Version
}

// JobOf returns the job of its current version. A job was updated when its current version
// took effect, or never but at its creation.
func JobOf(v Version) Job {
	j := Job{ID: v.JobID, CreatedAt: v.CreatedAt, UpdatedAt: v.CreatedAt, Current: v}
	if v.Number > 1 {
		j.UpdatedAt = v.EffectiveFrom
	}
	return j
}

// Version is one edit of a job: the state of the job from EffectiveFrom on and before
// EffectiveTo. All versions of a deleted job are closed.
type Version struct {
	JobID         JobID
	Number        int   // counted from 1
	EffectiveFrom int64 // Unix milliseconds
	EffectiveTo   int64 // Unix milliseconds; Forever while it is the current one
	CreatedAt     int64 // of the job: the anchor of @every
	Active        bool
	Pause         Pause // zero while it is active
	Spec          Spec
	Unread        []Fault // parts of the stored version that the Spec lacks: see [Version.Unusable]

	// BodyCut is how many bytes the body has if a list has left it out of the Spec because it is long.
	BodyCut int
}

// sizeOfVersion is about what a version takes beside its texts.
const sizeOfVersion = 512

// Size returns about how many bytes the version takes in memory. Pages are bounded by it.
func (v *Version) Size() int {
	s := &v.Spec
	n := sizeOfVersion + len(s.Schedule) + len(s.Timezone) + len(s.API) + len(s.Name) + len(s.Key) + len(s.Body) +
		len(v.Pause.Reason)
	for _, tag := range s.Tags {
		n += len(tag)
	}
	for name, value := range s.Headers {
		n += len(name) + len(value)
	}
	for _, name := range s.SecretNames {
		n += len(name)
	}
	return n
}

// Timing is the compiled calendar of one version. It is a small value that
// shares the compiled expression with every job of the same text and zone.
type Timing struct {
	schedule *cron.Schedule
	binding  cron.Binding
	offset   int64 // jitter, milliseconds
	from, to int64 // fires f with from <= f < to
}

// Timing compiles the version's schedule. An inactive version has no fires. The error
// is the one of [Spec.Validate] for the schedule fields.
func (v *Version) Timing() (Timing, error) {
	sched, err := v.Spec.parseSchedule()
	if err != nil {
		return Timing{}, err
	}
	return v.TimingOf(sched), nil
}

// TimingOf is [Version.Timing] for a caller that has the compiled schedule already.
func (v *Version) TimingOf(sched *cron.Schedule) Timing {
	return v.Window().Timing(sched, v.JobID, v.CreatedAt)
}

// Window returns the part of the version that decides which instants of its schedule are fires.
func (v *Version) Window() Window {
	return Window{
		From: v.EffectiveFrom, To: v.EffectiveTo, Active: v.Active, Until: v.Pause.Until,
		StartAt: v.Spec.StartAt, EndAt: v.Spec.EndAt, JitterMs: v.Spec.JitterMs,
	}
}

// ActiveFrom returns from when on a version is not paused, in Unix milliseconds: one that is active from the beginning
// of time on, another one from the end of its pause on, or [Forever] where that has none. Whoever asks from when on a
// version fires asks here: the state alone does not tell, since a pause ends by itself.
func ActiveFrom(active bool, until int64) int64 {
	switch {
	case active:
		return 0
	case until != 0:
		return until
	}
	return Forever
}

// ActiveFrom is [ActiveFrom] of the version.
func (v *Version) ActiveFrom() int64 { return ActiveFrom(v.Active, v.Pause.Until) }

// Fires reports whether the version has fires: it is active, or paused with an end, from which on it has.
func (v *Version) Fires() bool { return v.ActiveFrom() != Forever }

// Window is the part of a version that decides which instants of its schedule
// are fires.
type Window struct {
	From, To       int64 // effective time, Unix milliseconds
	Active         bool
	Until          int64 // the end of the pause of a version that is not active; zero: none
	StartAt, EndAt int64 // zero: none
	JitterMs       int64
}

// Timing compiles the window for one job.
func (w Window) Timing(sched *cron.Schedule, id JobID, createdAt int64) Timing {
	t := Timing{schedule: sched, binding: Bind(id, createdAt), offset: JitterOffset(id, w.JitterMs)}
	t.from, t.to = w.Span()
	return t
}

// Span returns from when on and before when instants are fires. There are none if from is not before to.
func (w Window) Span() (from, to int64) {
	from, to = max(w.From, w.StartAt), w.To
	if w.EndAt != 0 {
		to = min(to, w.EndAt)
	}
	active := ActiveFrom(w.Active, w.Until)
	if active == Forever {
		return from, from
	}
	return max(from, active), to // whenever somebody notes that the pause has ended
}

// Next returns the first fire strictly after the instant, in Unix
// milliseconds, or false when the version has none left.
func (t Timing) Next(after int64) (int64, bool) {
	lo := max(after, t.from-1)
	if lo >= t.to-1 {
		return 0, false
	}
	s, ok := t.schedule.Next(floorDiv(lo-t.offset, 1000), t.binding)
	if !ok {
		return 0, false
	}
	f := s*1000 + t.offset
	return f, f < t.to
}

// Prev returns the last fire strictly before the instant, in Unix
// milliseconds, or false when the version has none.
func (t Timing) Prev(before int64) (int64, bool) {
	hi := min(before, t.to)
	if hi <= t.from {
		return 0, false
	}
	s, ok := t.schedule.Prev(-floorDiv(-(hi-t.offset), 1000), t.binding)
	if !ok {
		return 0, false
	}
	f := s*1000 + t.offset
	return f, f >= t.from
}

// Bind returns what a job adds to a shared schedule: the seed of H and the
// anchor of @every.
func Bind(id JobID, createdAt int64) cron.Binding {
	return cron.Binding{Seed: cron.SeedOf(id), Anchor: floorDiv(createdAt, 1000)}
}

// JitterOffset returns the job's delay within its jitter window, 0 to jitterMs
// inclusive. It depends only on the job's id, so every fire of the job can be computed
// again, and it never changes.
func JitterOffset(id JobID, jitterMs int64) int64 {
	if jitterMs <= 0 {
		return 0
	}
	// FNV-1a over the id's bytes, with the finaliser of SplitMix64 so that
	// neighbouring ids do not get neighbouring delays.
	h := uint64(14695981039346656037)
	for _, b := range id {
		h = (h ^ uint64(b)) * 1099511628211
	}
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	h ^= h >> 31
	return int64(h % uint64(jitterMs+1))
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
