package domain

// Step is how long the time of a [Point] is, in minutes.
type Step int64

// The steps.
const (
	StepMinute Step = 1
	StepHour   Step = 60
	StepDay    Step = 24 * 60
)

// Steps are all of them, the shortest first.
var Steps = [...]Step{StepMinute, StepHour, StepDay}

const minuteMs = 60_000

// Ms returns the step in milliseconds.
func (s Step) Ms() int64 { return int64(s) * minuteMs }

// Start returns when the step of an instant began, in Unix milliseconds.
func (s Step) Start(ms int64) int64 {
	begun := ms - ms%s.Ms()
	if begun > ms { // before 1970
		begun -= s.Ms()
	}
	return begun
}

// Point is what became of the fires that were scheduled in one step of time.
type Point struct {
	At int64 // when the step begins, Unix milliseconds

	Success, Failed, Skipped, Missed, Unknown int64 // fires: a summary counts as what it stands for

	Retries     int64
	Drift       Histogram // of those that were sent
	DriftMax    int64     // milliseconds
	Duration    Histogram // of SUCCESS and FAILED that were sent, retries included
	DurationMax int64     // milliseconds
}

// Add counts an execution that has ended.
func (p *Point) Add(e *Execution) {
	switch e.Status {
	case StatusSuccess:
		p.Success++
	case StatusFailed:
		p.Failed++
	case StatusSkipped:
		p.Skipped += e.Fires()
	case StatusMissed:
		p.Missed += e.Fires()
	case StatusUnknown:
		p.Unknown++
	case StatusPending, StatusRunning:
		return
	}
	p.Retries += int64(e.RetryCount)
	if e.StartedAt == 0 {
		return
	}
	drift := max(0, e.StartedAt-e.ScheduledAt)
	p.Drift.AddTo(Bucket(drift), 1)
	p.DriftMax = max(p.DriftMax, drift)
	if e.Status == StatusSuccess || e.Status == StatusFailed {
		p.Duration.AddTo(Bucket(e.Duration()), 1)
		p.DurationMax = max(p.DurationMax, e.Duration())
	}
}

// Fires returns how many fires were counted.
func (p *Point) Fires() int64 { return p.Success + p.Failed + p.Skipped + p.Missed + p.Unknown }

// Merge adds what another point has counted.
func (p *Point) Merge(other *Point) {
	p.Success += other.Success
	p.Failed += other.Failed
	p.Skipped += other.Skipped
	p.Missed += other.Missed
	p.Unknown += other.Unknown
	p.Retries += other.Retries
	p.Drift.Merge(other.Drift)
	p.DriftMax = max(p.DriftMax, other.DriftMax)
	p.Duration.Merge(other.Duration)
	p.DurationMax = max(p.DurationMax, other.DurationMax)
}

// Points are points by their steps, in any order: what a batch of executions adds up to. A batch spans
// a few minutes, so that a scan of a short slice beats a map.
type Points []Point

// At returns the point of a step, which is made if there is none.
func (ps *Points) At(start int64) *Point {
	for i := range *ps {
		if (*ps)[i].At == start {
			return &(*ps)[i]
		}
	}
	*ps = append(*ps, Point{At: start})
	return &(*ps)[len(*ps)-1]
}

// Add counts an execution that has ended in the point of its step.
func (ps *Points) Add(e *Execution, step Step) { ps.At(step.Start(e.ScheduledAt)).Add(e) }

// In returns the same points by longer steps.
func (ps Points) In(step Step) (sums Points) {
	for i := range ps {
		sums.At(step.Start(ps[i].At)).Merge(&ps[i])
	}
	return sums
}
