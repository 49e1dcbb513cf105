package store

import "github.com/belfry-scheduler/belfry/internal/domain"

// Filled reports whether the executions fill the page: there may be more.
func (p *Page) Filled(found []domain.Execution) bool {
	m := Meter{Rows: p.Limit, Bytes: p.MaxBytes}
	for i := range found {
		m.Add(found[i].Size())
	}
	return m.Full()
}

// Filled reports whether the entries fill a page of the query: there may be more.
func (q *ChangeQuery) Filled(found []domain.Change) bool {
	m := Meter{Rows: q.Limit, Bytes: q.MaxBytes}
	for i := range found {
		m.Add(found[i].Size())
	}
	return m.Full()
}

// Filled reports whether the versions fill a page of the query: there may be more.
func (q *VersionQuery) Filled(found []domain.Version) bool {
	m := Meter{Rows: q.Limit, Bytes: q.MaxBytes}
	for i := range found {
		m.Add(found[i].Size())
	}
	return m.Full()
}

// Meter measures a page while it is collected.
type Meter struct {
	Rows  int // of which the page has at most so many
	Bytes int // with which the page ends; zero: no bound

	rows, bytes int
}

// Add counts a row of so many bytes.
func (m *Meter) Add(size int) {
	m.rows++
	m.bytes += size
}

// Filled returns how many bytes the rows have so far.
func (m *Meter) Filled() int { return m.bytes }

// Full reports whether the page takes no further row.
func (m *Meter) Full() bool { return m.rows >= m.Rows || m.Bytes > 0 && m.bytes >= m.Bytes }

// Remaining returns how many rows the page may still take, if their bytes allow it.
func (m *Meter) Remaining() int { return max(0, m.Rows-m.rows) }
