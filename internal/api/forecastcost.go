package api

import (
	"sync"
	"time"
)

const (
	// forecastDebt is for how many ms of work a caller may owe: some forecasts of a million jobs one after the other.
	forecastDebt = 30_000
	// forecastPaid is the part of a core's time in which a debt is paid off: a tenth.
	forecastPaid = 10
	// maxDebtors is of how many callers debts are known, some 100 bytes each. Those beyond share one.
	maxDebtors = 1_000
)

// debts bound how much of a core the forecasts of each caller take: those that differ in their window or their filters
// are not answered from what is kept. The zero value is ready for use.
type debts struct {
	mu sync.Mutex
	of map[string]debt
}

// debt is the work that somebody has had done, less what is paid off by an instant.
type debt struct{ ms, at int64 }

// by returns what is owed at an instant.
func (d debt) by(now int64) int64 { return max(0, d.ms-max(0, now-d.at)/forecastPaid) }

// wait returns for how long a caller has to wait before more is done for him; zero: not at all.
func (d *debts) wait(caller string, now int64) time.Duration {
	d.mu.Lock()
	defer d.mu.Unlock()
	above := d.of[d.known(caller)].by(now) - forecastDebt
	return time.Duration(max(0, above)) * forecastPaid * time.Millisecond
}

// add notes that so much was done for a caller, in ms.
func (d *debts) add(caller string, ms, now int64) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil {
		d.of = map[string]debt{}
	}
	if len(d.of) >= maxDebtors {
		for name, is := range d.of {
			if is.by(now) == 0 {
				delete(d.of, name)
			}
		}
	}
	name := d.known(caller)
	d.of[name] = debt{d.of[name].by(now) + max(0, ms), now}
}

// known returns under which name the debt of a caller is.
func (d *debts) known(caller string) string {
	if _, there := d.of[caller]; !there && len(d.of) >= maxDebtors {
		return ""
	}
	return caller
}
