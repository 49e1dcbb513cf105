package postgres

import (
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// sums are what facts add to the counters and to the series.
type sums struct {
	counts counts
	points domain.Points // by minutes
}

func sumsOf(facts []*domain.Execution) (s sums, err error) {
	s.counts = make(counts)
	for _, e := range facts {
		if err := s.counts.add(e); err != nil {
			return s, err
		}
		s.points.Add(e, domain.StepMinute)
	}
	return s, nil
}

func (s *sums) none() bool { return len(s.counts) == 0 && len(s.points) == 0 }

// merge adds other sums.
func (s *sums) merge(other *sums) {
	for k, n := range other.counts {
		sum := s.counts[k]
		s.counts[k] = counter{sum.fires + n.fires, sum.durationMs + n.durationMs, sum.timed + n.timed}
	}
	for i := range other.points {
		s.points.At(other.points[i].At).Merge(&other.points[i])
	}
}

// body returns the form in which sums are stored: numbers as varints.
//
//	counters, for each: minute status fires duration timed
//	points, for each: at success failed skipped missed unknown retries drift_max duration_max
//	                  buckets of drift, for each: fires; the same of duration
func (s *sums) body() []byte {
	b := make([]byte, 0, 256)
	put := func(numbers ...int64) {
		for _, n := range numbers {
			b = binary.AppendVarint(b, n)
		}
	}
	put(int64(len(s.counts)))
	for _, k := range s.counts.keys() {
		n := s.counts[k]
		put(k.minute, int64(k.status), n.fires, n.durationMs, n.timed)
	}
	put(int64(len(s.points)))
	for i := range s.points {
		p := &s.points[i]
		put(p.At, p.Success, p.Failed, p.Skipped, p.Missed, p.Unknown, p.Retries, p.DriftMax, p.DurationMax)
		for _, h := range []domain.Histogram{p.Drift, p.Duration} {
			put(int64(len(h)))
			put(h...)
		}
	}
	return b
}

// errNoSums says that a body is none that this program has written.
var errNoSums = errors.New("a row of the table addition cannot be read")

// sumsIn reads a body.
func sumsIn(body []byte) (s sums, err error) {
	s.counts = make(counts)
	next := func() int64 {
		n, size := binary.Varint(body)
		if size <= 0 {
			err, body = errNoSums, nil
			return 0
		}
		body = body[size:]
		return n
	}
	for range next() {
		k := counterKey{minute: next(), status: int16(next())} //nolint:gosec // it was one
		s.counts[k] = counter{fires: next(), durationMs: next(), timed: next()}
		if err != nil {
			return s, err
		}
	}
	for range next() {
		p := domain.Point{
			At: next(), Success: next(), Failed: next(), Skipped: next(), Missed: next(), Unknown: next(),
			Retries: next(), DriftMax: next(), DurationMax: next(),
		}
		for _, h := range []*domain.Histogram{&p.Drift, &p.Duration} {
			buckets := next()
			if buckets < 0 || buckets > domain.Buckets {
				return s, errNoSums
			}
			for i := range int(buckets) {
				h.AddTo(i, next())
			}
		}
		if err != nil {
			return s, err
		}
		s.points = append(s.points, p)
	}
	if err == nil && len(body) > 0 {
		err = errNoSums
	}
	return s, err
}

// scan adds a row that has a body alone.
func (s *sums) scan(r pgx.Rows) error {
	var body []byte
	if err := r.Scan(&body); err != nil {
		return err
	}
	return s.mergeBody(body)
}

func (s *sums) mergeBody(body []byte) error {
	one, err := sumsIn(body)
	if err == nil {
		s.merge(&one)
	}
	return err
}
