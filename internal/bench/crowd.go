package bench

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// These constants describe the jobs whose history is written, and their outcomes.
const (
	secondlyShare = 0.43  // of all rows are of jobs that fire every second,
	minutelyShare = 0.54  // every minute,
	hourlyShare   = 0.024 // and every hour; jobs that fire once a month make up the rest of the jobs

	failedShare   = 0.02  // ends after three retries, some seconds later
	slowShare     = 0.005 // is answered after some seconds
	retryRounds   = 3
	lateSeconds   = 64 // more than any of them takes
	maxCrowd      = 100_000
	rowsPerMember = 100

	secondsPerDay = 86_400
)

// crowdStart is the first day of the history that is written: the first of a
// month, so that the jobs that fire monthly are spread over the days.
var crowdStart = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)

// crowd generates executions, the same ones each time, so that a run can continue where
// an earlier one ended.
type crowd struct {
	versions                   []domain.Version
	secondly, minutely, hourly int // how many of each, in this order; the rest is monthly

	rows   int64 // wanted
	perDay int64
	ends   int64 // no job fires at or after it, Unix milliseconds

	day, second int
	ofDay       int64 // rows of this day so far
	ready       []domain.Execution
	late        [lateSeconds][]domain.Execution // by the second in which they end
	random      *rand.Rand
	byMinute    [60][]int
	byHour      [3600][]int
	byMonth     map[int][]int // (day of month - 1) * secondsPerDay + second of the day
}

// newCrowd plans rows over days. Each day has the same number of rows; executions beyond
// that number at the end of a day are left out.
func newCrowd(rows int64, days int) *crowd {
	c := &crowd{
		rows: rows, perDay: (rows + int64(days) - 1) / int64(days), random: rand.New(rand.NewPCG(1, 2)),
		//nolint:gosec // made up, and the same each time
		byMonth: map[int][]int{},
		ends:    crowdStart.AddDate(0, 0, days+1).UnixMilli(), // one more for what is written while a day is dropped
	}
	jobs := int(min(maxCrowd, max(1_000, rows/rowsPerMember)))
	share := func(of float64, each int) int { return int(of*float64(c.perDay)/float64(each)) + 1 }
	c.secondly, c.minutely, c.hourly = share(secondlyShare, secondsPerDay), share(minutelyShare, 1440),
		share(hourlyShare, 24)
	jobs = max(jobs, c.secondly+c.minutely+c.hourly+100)
	for n := range jobs {
		c.versions = append(c.versions, c.version(n))
	}
	return c
}

// id returns the id of a job that was created long before its history.
func (c *crowd) id() (id domain.JobID) {
	binary.BigEndian.PutUint64(id[:], c.random.Uint64())
	binary.BigEndian.PutUint64(id[8:], c.random.Uint64())
	made := crowdStart.AddDate(0, -1, 0).UnixMilli() + c.random.Int64N(int64(7*24*time.Hour/time.Millisecond))
	binary.BigEndian.PutUint16(id[4:], uint16(made))
	binary.BigEndian.PutUint32(id[:], uint32(made>>16))
	id[6], id[8] = 0x70|id[6]&0x0f, 0x80|id[8]&0x3f
	return id
}

// version creates job number n and adds it to the tables in which fires are looked up.
func (c *crowd) version(n int) domain.Version {
	spec := domain.DefaultSpec()
	switch second := n % secondsPerDay; {
	case n < c.secondly:
		spec.Schedule = "* * * * * *"
	case n < c.secondly+c.minutely:
		spec.Schedule = fmt.Sprintf("%d * * * * *", n%60)
		c.byMinute[n%60] = append(c.byMinute[n%60], n)
	case n < c.secondly+c.minutely+c.hourly:
		spec.Schedule = fmt.Sprintf("%d %d * * * *", n%60, n/60%60)
		c.byHour[n%3600] = append(c.byHour[n%3600], n)
	default:
		day := n % 28
		spec.Schedule = fmt.Sprintf("%d %d %d %d * *", second%60, second/60%60, second/3600, day+1)
		c.byMonth[day*secondsPerDay+second] = append(c.byMonth[day*secondsPerDay+second], n)
	}
	spec.API, spec.Type, spec.EndAt = fmt.Sprintf("http://127.0.0.1:9/hook/%d", n), domain.AtLeastOnce, c.ends
	return domain.Version{
		JobID: c.id(), Number: 1, EffectiveFrom: crowdStart.UnixMilli(), EffectiveTo: domain.Forever,
		CreatedAt: crowdStart.UnixMilli(), Active: true, Spec: spec,
	}
}

// fill overwrites a batch with the executions that end next, about in the order
// in which they do.
func (c *crowd) fill(batch []domain.Execution) {
	for n := 0; n < len(batch); {
		if len(c.ready) == 0 {
			c.advance()
			continue
		}
		got := copy(batch[n:], c.ready)
		c.ready = c.ready[got:]
		n += got
	}
}

// skip continues as if this many rows had been taken.
func (c *crowd) skip(rows int64) {
	batch := make([]domain.Execution, 1_000)
	for ; rows > 0; rows -= int64(len(batch)) {
		c.fill(batch[:min(rows, int64(len(batch)))])
	}
}

// advance collects what ends in the next second.
func (c *crowd) advance() {
	if c.ofDay >= c.perDay || c.second == secondsPerDay {
		c.day, c.second, c.ofDay = c.day+1, 0, 0
	}
	date := crowdStart.AddDate(0, 0, c.day)
	at := date.UnixMilli() + int64(c.second)*1_000
	c.ready = c.ready[:0]
	for n := range c.secondly {
		c.fire(n, at)
	}
	for _, list := range [][]int{
		c.byMinute[c.second%60], c.byHour[c.second%3600], c.byMonth[(date.Day()-1)*secondsPerDay+c.second],
	} {
		for _, n := range list {
			c.fire(n, at)
		}
	}
	if remaining := c.perDay - c.ofDay; int64(len(c.ready)) > remaining { // the day is full
		c.ready = c.ready[:remaining]
	}
	slot := c.second % lateSeconds
	c.ready = append(c.ready, c.late[slot]...)
	c.late[slot] = c.late[slot][:0]
	c.ofDay += int64(len(c.ready))
	c.second++
}

// fire generates the outcome of a fire.
func (c *crowd) fire(n int, at int64) {
	e := domain.Execution{
		FireKey: domain.FireKey{JobID: c.versions[n].JobID, ScheduledAt: at}, Version: 1,
		Status: domain.StatusSuccess, StartedAt: at + c.random.Int64N(5), HTTPStatus: 200,
	}
	draw, took := c.random.Float64(), 5+c.random.Int64N(95)
	e.CompletedAt = e.StartedAt + took
	switch {
	case draw < failedShare:
		e.Status, e.HTTPStatus, e.RetryCount = domain.StatusFailed, 503, retryRounds
		e.Error = "503 Service Unavailable: no backend is ready"
		e.Attempts = make([]domain.Attempt, 0, retryRounds+1)
		began := e.StartedAt
		for i := range int64(retryRounds + 1) {
			e.CompletedAt = began + took
			e.Attempts = append(e.Attempts, domain.Attempt{
				Number: int(i) + 1, StartedAt: began, CompletedAt: e.CompletedAt, HTTPStatus: e.HTTPStatus,
				Error: e.Error,
			})
			began = e.CompletedAt + (i+1)*1_000
		}
	case draw < failedShare+slowShare:
		e.CompletedAt += 1_000 + c.random.Int64N(25_000)
	default:
		c.ready = append(c.ready, e)
		return
	}
	slot := (c.second + int(e.CompletedAt-at)/1_000 + 1) % lateSeconds
	c.late[slot] = append(c.late[slot], e)
}
