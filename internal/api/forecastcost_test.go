package api

import (
	"errors"
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
)

// TestDebts: who owes more than is allowed waits until a tenth of the time has paid it off, and others do not.
func TestDebts(t *testing.T) {
	const s = 1_000
	var d debts
	for _, c := range []struct {
		caller   string
		add, now int64
		wait     time.Duration
	}{
		{"a", 0, 0, 0},
		{"a", 30 * s, 0, 0}, // as much as is allowed
		{"a", 1 * s, 0, 10 * time.Second},
		{"b", 0, 0, 0},
		{"a", 0, 4 * s, 6 * time.Second},
		{"a", 0, 10 * s, 0},
		{"a", 2 * s, 10 * s, 20 * time.Second},
		{"a", 0, 5 * s, 20 * time.Second}, // a clock that was set back pays nothing
		{"a", 0, 1_000 * s, 0},
		{"a", 31 * s, 1_000 * s, 10 * time.Second}, // what was paid off long ago is no credit
		{"b", -5, 1_000 * s, 0},
	} {
		if d.add(c.caller, c.add, c.now); d.wait(c.caller, c.now) != c.wait {
			t.Errorf("%+v: %s", c, d.wait(c.caller, c.now))
		}
	}
}

// TestDebtsAreBounded: callers beyond those that are known share one debt; who owes nothing makes room.
func TestDebtsAreBounded(t *testing.T) {
	var d debts
	for i := range maxDebtors {
		d.add(fmt.Sprint(i), 10, 0)
	}
	d.add("x", 40_000, 0)
	if d.wait("y", 0) == 0 || d.wait("7", 0) != 0 || len(d.of) > maxDebtors+1 {
		t.Errorf("y waits %s, 7 waits %s, %d are known", d.wait("y", 0), d.wait("7", 0), len(d.of))
	}
	d.add("z", 40_000, 60_000)
	if d.wait("z", 60_000) == 0 || d.wait("y", 60_000) != 0 || len(d.of) != 2 {
		t.Errorf("z waits %s, y waits %s, %d are known", d.wait("z", 60_000), d.wait("y", 60_000), len(d.of))
	}
}

// slowClock is a clock on which everything takes ten seconds.
type slowClock struct {
	clock.System

	now int64
}

func (c *slowClock) Now() time.Time {
	c.now += 10_000
	return time.UnixMilli(c.now)
}

// TestForecastsOfACallerAreBounded, however he varies what he asks for; what was answered is answered again.
func TestForecastsOfACallerAreBounded(t *testing.T) {
	f := newFixture(t)
	slow := &slowClock{now: base}
	h := &forecastRoutes{jobs: f.disk.Jobs(), clock: slow, underWay: make(chan struct{}, maxForecasts)}
	ask := func(day int) error {
		from := fmt.Sprintf("2026-02-%02dT00:00:00Z", day)
		_, err := h.forecast(t.Context(), &forecastInput{From: instantParam(from)})
		return err
	}
	for day := 1; ; day++ {
		err := ask(day)
		if err == nil && day < 10 {
			continue
		}
		p, ok := errors.AsType[*Problem](err)
		if !ok || p.Status != http.StatusTooManyRequests || p.header.Get("Retry-After") == "" || day < 3 {
			t.Fatalf("forecast %d: %v", day, err)
		}
		break
	}
	if err := ask(1); err != nil {
		t.Errorf("what is kept: %v", err)
	}
}
