package bench

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Growth shows how the cost of a fire depends on the size of the system.
type Growth struct {
	Curves []Curve `json:"curves"`
}

// Curve is the cost of a fire for several values of one quantity.
type Curve struct {
	Name   string  `json:"name"`
	Points []Point `json:"points"`
}

// Point is one measurement of a curve.
type Point struct {
	N         int     `json:"n"`
	P50Ms     float64 `json:"p50Ms"`
	P99Ms     float64 `json:"p99Ms"`
	CPUMicros float64 `json:"cpuMicros"` // of the server, for each fire
	MemoryMB  int64   `json:"memoryMb"`
}

// GrowthConfig has the first value of each curve; each further value is ten times as
// large.
type GrowthConfig struct {
	Rate    int // fires a second: 1x; the others are measured at 10x of it
	Jobs    int
	Hosts   int
	Decades int // how many points a curve has
	Seconds int // for each point
}

// Growth measures each curve at 1x, 10x, 100x and so on of its first value. The instants
// are spread over the second.
func (b *Bench) Growth(ctx context.Context, cfg GrowthConfig) (*Growth, error) {
	out := &Growth{}
	rate := 10 * cfg.Rate
	for _, c := range []struct {
		name  string
		from  int
		point func(context.Context, int) (Burst, error)
	}{
		{"fires a second", cfg.Rate, func(ctx context.Context, n int) (Burst, error) {
			return b.env.burst(ctx, burst{jobs: n, seconds: cfg.Seconds, jitter: time.Second, path: "/ok"})
		}},
		{"idle jobs beside", cfg.Jobs, func(ctx context.Context, n int) (Burst, error) {
			return b.env.beside(ctx, n, burst{jobs: rate, seconds: cfg.Seconds, jitter: time.Second, path: "/ok"})
		}},
		{"hosts", cfg.Hosts, func(ctx context.Context, n int) (Burst, error) {
			return b.env.overHosts(ctx, n, burst{jobs: rate, seconds: cfg.Seconds, jitter: time.Second, path: "/ok"})
		}},
	} {
		curve := Curve{Name: c.name}
		for n, i := c.from, 0; i < cfg.Decades; n, i = 10*n, i+1 {
			got, err := c.point(ctx, n)
			if err != nil {
				return out, fmt.Errorf("%d %s: %w", n, c.name, err)
			}
			b.env.say("%d %s: p99 %.1f ms, %.1f us CPU each", n, c.name, got.Lateness.P99, got.CPUMicros)
			curve.Points = append(curve.Points, Point{n, got.Lateness.P50, got.Lateness.P99,
				got.CPUMicros, got.MemoryMB})
		}
		out.Curves = append(out.Curves, curve)
	}
	return out, nil
}

// beside measures a burst while the server has n further jobs that are not due.
func (e *environment) beside(ctx context.Context, n int, m burst) (out Burst, err error) {
	w, err := e.world(ctx, worldConfig{})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.importJobs(ctx, n, e.receiver.idle()); err != nil {
		return out, err
	}
	return w.burst(ctx, m)
}

// overHosts measures a burst whose jobs call n ports. For Belfry each port is a host.
func (e *environment) overHosts(ctx context.Context, n int, m burst) (out Burst, err error) {
	many, err := startReceiver(ctx, e.cfg.Binary, "--quiet", "--ports", fmt.Sprint(n))
	if err != nil {
		return out, err
	}
	usual := e.receiver
	e.receiver = many
	defer func() {
		e.receiver = usual
		err = errors.Join(err, many.stop())
	}()
	if m.targets, err = many.addresses(ctx, n); err != nil {
		return out, err
	}
	return e.burst(ctx, m)
}

func (g *Growth) tables() (all []table) {
	for _, c := range g.Curves {
		t := table{title: "How cost grows: " + c.Name}
		t.add(c.Name, "p50 ms", "p99 ms", "CPU us each", "memory MB")
		for _, p := range c.Points {
			t.add(p.N, p.P50Ms, p.P99Ms, p.CPUMicros, p.MemoryMB)
		}
		all = append(all, t)
	}
	return all
}
