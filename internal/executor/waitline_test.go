package executor

import (
	"testing"

	"pgregory.net/rapid"
)

// lineModel is a waitLine as a slice.
type lineModel struct {
	line    waitLine
	waiters []*waiter
}

func (m *lineModel) draw(t *rapid.T) *waiter {
	if len(m.waiters) == 0 {
		t.Skip("nobody waits")
	}
	return rapid.SampledFrom(m.waiters).Draw(t, "waiter")
}

func (m *lineModel) Push(t *rapid.T) {
	w := &waiter{fresh: rapid.Bool().Draw(t, "fresh")}
	m.line.push(w)
	m.waiters = append(m.waiters, w)
}

func (m *lineModel) Open(t *rapid.T) {
	if w := m.draw(t); !w.opening {
		m.line.open(w)
	}
}

func (m *lineModel) Serve(t *rapid.T) {
	w := m.draw(t)
	m.line.serve(w)
	for i := range m.waiters {
		if m.waiters[i] == w {
			m.waiters = append(m.waiters[:i], m.waiters[i+1:]...)
			break
		}
	}
	if !w.served {
		t.Error("a waiter that was served does not know it")
	}
}

func (m *lineModel) Check(t *rapid.T) {
	var next, used *waiter
	idle, at := 0, m.line.first
	for _, w := range m.waiters {
		if at != w {
			t.Fatal("the line has another order")
		}
		at = at.after
		if !w.opening {
			if idle++; next == nil {
				next = w
			}
		}
		if used == nil && !w.fresh {
			used = w
		}
	}
	if at != nil || m.line.next != next || m.line.idle != idle || m.line.forUsed() != used {
		t.Fatalf("%d idle, want %d", m.line.idle, idle)
	}
}

// The line is in the order of arrival, and knows for whom no connection is under way.
func TestWaitLine(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) { t.Repeat(rapid.StateMachineActions(new(lineModel))) })
}
