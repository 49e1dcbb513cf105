package engine

import (
	"math/rand/v2"
	"testing"
	"time"
)

// pressure drives a limit for some windows against a host that answers each
// call after took and works on at most capacity calls at once; more only wait.
func pressure(l *hostLimit, windows int, took time.Duration, capacity int) {
	left := 0.0
	for i := range windows {
		busy := min(l.now, capacity)
		each := took * time.Duration(max(1, (l.now+busy-1)/busy)) // waiting in the host is part of a call
		left += float64(l.now) * float64(limitWindow) / float64(each)
		for ; left >= 1; left-- {
			l.ended(each)
		}
		l.window()
		if i%40 == 39 {
			l.relax(l.now, true)
		}
	}
}

func TestHostLimitClimbs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name     string
		took     time.Duration
		capacity int
		windows  int
		min, max int
	}{
		{"slow calls, all the room there is", 100 * time.Millisecond, 1 << 30, 400, 5000, 5000},
		{"calls of a second", time.Second, 1 << 30, 2000, 5000, 5000},
		{"a quick host that is full at 64", time.Millisecond, 64, 400, minHostLimit, minHostLimit * 3 / 2},
		{"a slow host that is full at 64", 100 * time.Millisecond, 64, 400, minHostLimit, minHostLimit * 2},
		{"nothing ends", time.Hour, 1 << 30, 400, 5000, 5000},
	} {
		l := newHostLimit(5000)
		pressure(&l, c.windows, c.took, c.capacity)
		if l.now < c.min || l.now > c.max {
			t.Errorf("%s: %d slots, want %d to %d", c.name, l.now, c.min, c.max)
		}
	}
}

// A quick host is limited by the machine, whose rate is not steady: it is worth
// half for a while, at random. That must not drive the limit up, and a limit
// that is far too high comes down while the pressure lasts: more slots than
// work can be done in cost time.
func TestHostLimitIsNotDrivenByNoise(t *testing.T) {
	t.Parallel()
	for seed := range uint64(50) {
		random := rand.New(rand.NewPCG(seed, 1))
		l := newHostLimit(18_000)
		l.set([]int{minHostLimit, 1_000}[seed%2])
		slow, left, sum := 0, 0.0, 0
		const windows = 4_000 // 100 s under pressure
		for i := range windows {
			if slow--; slow < -20 && random.IntN(10) == 0 {
				slow = random.IntN(20)
			}
			rate := 1_600 * (1 - 0.1*random.Float64()) // calls a window
			if slow > 0 {
				rate /= 2
			}
			rate /= 1 + float64(max(0, l.now-100))/2_000
			for left += rate; left >= 1; left-- {
				l.ended(time.Millisecond)
			}
			l.window()
			if i > windows/2 {
				sum += l.now
			}
		}
		if mean := sum / (windows / 2); mean > 3*minHostLimit {
			t.Errorf("seed %d: %d slots on average, and %d do all that can be done", seed, mean, minHostLimit)
		}
	}
}

// Without pressure a limit shrinks to what is in use, and not below the least.
func TestHostLimitRelaxes(t *testing.T) {
	t.Parallel()
	l := newHostLimit(5000)
	l.set(5000)
	for range 100 {
		l.relax(700, false)
	}
	if l.now != 700 {
		t.Errorf("%d slots with 700 calls in flight", l.now)
	}
	for range 100 {
		l.relax(0, true)
	}
	if l.now != 700 {
		t.Errorf("%d slots, and they were needed", l.now)
	}
	for range 100 {
		l.relax(0, false)
	}
	if l.now != minHostLimit {
		t.Errorf("%d slots in the end", l.now)
	}
	if small := newHostLimit(5); small.now != 5 {
		t.Errorf("%d slots with a ceiling of 5", small.now)
	}
}
