package forecast

import (
	"bytes"
	"cmp"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

const (
	// MaxPoints is how many steps a window has at most: an hour of seconds fits.
	MaxPoints = 4_000

	// maxCalendars is how many different calendars with fires in the window are counted: a kilobyte each where each
	// has a schedule of its own. Jobs share one if their schedules, zones, choices of H and seconds of jitter are the
	// same.
	maxCalendars = 100_000
	// maxSchedules is how many schedules are kept once they are parsed.
	maxSchedules = 50_000
	// maxWalked is how many fires of different calendars are computed, twice: once to count them, once to place them.
	maxWalked = 20_000_000
	// maxNames is how many hosts, tags or namespaces are distinguished: some 10 MB.
	maxNames = 50_000

	listedNames = 20
	listedJobs  = 10
)

// Window is from when to when fires are counted, and in which steps. All are Unix milliseconds or
// milliseconds, whole seconds, and the length is a multiple of the step.
type Window struct{ From, To, Step int64 }

// Point is how many fires are due in the step that begins at the instant.
type Point struct{ At, Count int64 }

// Share is how many of the fires are those of a host, a tag or a namespace.
type Share struct {
	Name  string
	Count int64
}

// DueJob is a job that has fires in the peak.
type DueJob struct {
	ID    domain.JobID
	Name  string
	Count int64
}

// Load is how many fires are due when.
type Load struct {
	Window
	Points                     []Point // each step, also those without fires
	Total                      int64
	Jobs                       int // that were counted
	Peak                       Point
	PeakJobs                   []DueJob // some of those that make it
	ByHost, ByTag, ByNamespace []Share  // the largest ones

	// Truncated: there are too many different calendars or names to count them all.
	Truncated bool
}

// calendarKey is equal for jobs that have their fires in the same seconds of the window.
type calendarKey struct {
	schedule *cron.Schedule
	class    uint64
	offset   int64 // of jitter; whole seconds where its rest does not matter
	from, to int64 // of the version's fires, as far as it ends the window
}

// calendar is the fires of jobs with one key.
type calendar struct {
	timing domain.Timing
	fires  int64 // of one job
	jobs   int64
	id     domain.JobID // of the first one
	name   string
}

type scheduleKey struct {
	text, zone string
	dst        domain.DST
}

// Counter counts the fires of jobs. The calendar of jobs that share one is computed once.
type Counter struct {
	window    Window
	since     int64 // the fires before it, in the first step, are past
	schedules map[scheduleKey]*cron.Schedule
	calendars map[calendarKey]*calendar
	names     [3]map[string]int64 // by host, tag, namespace
	jobs      int
	walked    int
	truncated bool

	// Rest, if there is one, is called again and again while fires are computed. It makes way for other work, and
	// reports whether to go on. After false nothing that was counted means anything.
	Rest    func() bool
	stopped bool
}

// NewCounter returns a counter of the fires in a window, from an instant in its first step on: a whole second, in
// Unix milliseconds.
func NewCounter(w Window, since int64) *Counter {
	c := &Counter{window: w, since: max(w.From, since), schedules: map[scheduleKey]*cron.Schedule{},
		calendars: map[calendarKey]*calendar{}}
	for i := range c.names {
		c.names[i] = map[string]int64{}
	}
	return c
}

// Add counts a job by its current version. One that is paused without an end, or cannot be run, has no fires.
func (c *Counter) Add(v *domain.Version) {
	if !v.Fires() {
		return
	}
	sched, err := v.CompileBy(c.parse)
	if err != nil {
		return
	}
	cal := c.calendarOf(v, sched)
	if cal == nil {
		return
	}
	cal.jobs++
	c.jobs++
	if cal.fires == 0 {
		return
	}
	c.share(0, target.Of(v.Spec.API).String(), cal.fires)
	for _, tag := range v.Spec.Tags {
		c.share(1, tag, cal.fires)
	}
	c.share(2, v.Spec.Namespace, cal.fires)
}

func (c *Counter) share(by int, name string, fires int64) {
	if _, known := c.names[by][name]; !known && len(c.names[by]) >= maxNames {
		c.truncated = true
		return
	}
	c.names[by][name] += fires
}

// parse returns the compiled schedule of a spec, which jobs with an equal one share.
func (c *Counter) parse(s *domain.Spec) (*cron.Schedule, error) {
	at := scheduleKey{s.Schedule, s.Timezone, s.DST}
	sched := c.schedules[at]
	if sched != nil {
		return sched, nil
	}
	sched, err := domain.ParseSchedule(s.Schedule, s.Timezone, s.DST)
	if err == nil && len(c.schedules) < maxSchedules { // beyond it, equal ones are parsed again
		c.schedules[at] = sched
	}
	return sched, err
}

// calendarOf returns the calendar that a version shares, or nil beyond the bounds.
func (c *Counter) calendarOf(v *domain.Version, sched *cron.Schedule) *calendar {
	s := &v.Spec
	key := calendarKey{schedule: sched, class: sched.Class(domain.Bind(v.JobID, v.CreatedAt)),
		offset: domain.JitterOffset(v.JobID, s.JitterMs), to: domain.Forever}
	from, to := v.Window().Span()
	if from > c.since {
		key.from = from
	}
	if to < c.window.To {
		key.to = to
	}
	if key.from == 0 && key.to == domain.Forever {
		key.offset -= key.offset % 1_000 // what is counted begins and ends with a second
	}
	cal := c.calendars[key]
	if cal != nil {
		return cal
	}
	if len(c.calendars) >= maxCalendars || c.walked >= maxWalked {
		c.truncated = true
		return nil
	}
	cal = &calendar{timing: v.TimingOf(sched), id: v.JobID, name: s.Name}
	c.walk(cal, c.since, c.window.To, func(int64) bool {
		cal.fires++
		c.truncated = c.truncated || c.walked >= maxWalked
		return c.walked < maxWalked
	})
	if cal.fires > 0 { // those of jobs that do not fire in the window take no place
		c.calendars[key] = cal
	}
	return cal
}

// walk calls fn with each fire of a calendar in [from, to), until fn or Rest returns false.
func (c *Counter) walk(cal *calendar, from, to int64, fn func(at int64) bool) {
	const restEvery = 64 // some 20 us
	for at, fires := cal.timing.Next(from - 1); fires && at < to && !c.stopped; at, fires = cal.timing.Next(at) {
		if c.walked++; c.Rest != nil && c.walked%restEvery == 0 {
			c.stopped = !c.Rest()
		}
		if !fn(at) {
			return
		}
	}
}

// Load returns what was counted.
func (c *Counter) Load() Load {
	w := c.window
	l := Load{Window: w, Jobs: c.jobs, Points: make([]Point, (w.To-w.From)/w.Step), Truncated: c.truncated}
	for i := range l.Points {
		l.Points[i].At = w.From + int64(i)*w.Step
	}
	for _, cal := range c.calendars {
		remaining := cal.fires // fewer than there are, if the bound was reached
		c.walk(cal, c.since, w.To, func(at int64) bool {
			l.Points[(at-w.From)/w.Step].Count += cal.jobs
			remaining--
			return remaining > 0
		})
		l.Total += cal.fires * cal.jobs
	}
	for _, p := range l.Points {
		if p.Count > l.Peak.Count {
			l.Peak = p
		}
	}
	if l.Peak.Count > 0 {
		l.PeakJobs = c.dueIn(l.Peak.At, l.Peak.At+w.Step)
	}
	l.ByHost, l.ByTag, l.ByNamespace = largest(c.names[0]), largest(c.names[1]), largest(c.names[2])
	return l
}

// dueIn returns jobs with fires in [from, to), one of each calendar, those first whose calendars have the most.
func (c *Counter) dueIn(from, to int64) (jobs []DueJob) {
	weights := map[domain.JobID]int64{}
	for _, cal := range c.calendars {
		n := int64(0)
		c.walk(cal, max(from, c.since), to, func(int64) bool { n++; return true })
		if n == 0 {
			continue
		}
		weights[cal.id] = n * cal.jobs
		jobs = append(jobs, DueJob{cal.id, cal.name, n})
	}
	slices.SortFunc(jobs, func(a, b DueJob) int {
		return cmp.Or(cmp.Compare(weights[b.ID], weights[a.ID]), bytes.Compare(a.ID[:], b.ID[:]))
	})
	return jobs[:min(len(jobs), listedJobs)]
}

func largest(names map[string]int64) []Share {
	all := make([]Share, 0, len(names))
	for name, n := range names {
		all = append(all, Share{name, n})
	}
	slices.SortFunc(all, func(a, b Share) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Name, b.Name))
	})
	return slices.Clone(all[:min(len(all), listedNames)])
}
