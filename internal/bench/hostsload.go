package bench

import (
	"cmp"
	"context"
	"math"
	"time"
)

// HostsThroughput is the largest number of every-second jobs over the hosts that was
// sustained.
type HostsThroughput struct {
	Sustained Burst   `json:"sustained"` // zero: none of the rates was
	Failed    Burst   `json:"failed"`    // the smallest that was not; zero: none was tried
	Steps     []Burst `json:"steps"`
	Ratio     float64 `json:"ratio"` // sustained / the better bare loop, measured before and after it
}

// throughput searches for the largest rate that is sustained.
func (r *hostsRun) throughput(ctx context.Context) error {
	out := &HostsThroughput{}
	r.out.Throughput = out
	s := search{from: r.from(), resolution: resolution, steps: r.cfg.Steps}
	err := s.run(r.cfg.Tries, func(n int) (bool, error) {
		got, err := r.burst(ctx, burst{jobs: n, seconds: r.cfg.Seconds, warm: r.cfg.WarmSeconds})
		if err != nil {
			return false, err
		}
		r.sayBurst("each second", got)
		out.Steps = append(out.Steps, got)
		return got.sustained(), nil
	})
	out.sumUp()
	return err
}

// from is the rate with which the search begins.
func (r *hostsRun) from() int {
	if r.cfg.From > 0 || r.out.Bare == nil {
		return max(1, r.cfg.From)
	}
	return max(1, int(r.out.Bare.best()*ratePerBare))
}

// sumUp finds the limit among the steps.
func (t *HostsThroughput) sumUp() {
	for _, step := range t.Steps {
		if step.sustained() && step.Jobs > t.Sustained.Jobs {
			t.Sustained = step
		}
	}
	if bare := t.Sustained.BarePerSecond; bare > 0 {
		t.Ratio = float64(t.Sustained.Jobs) / bare
	}
	for _, step := range t.Steps {
		if step.Jobs > t.Sustained.Jobs && (t.Failed.Jobs == 0 || step.Jobs < t.Failed.Jobs) {
			t.Failed = step
		}
	}
}

// sustained is the rate that the other parts take as sustained, and half of it the rate
// at which everything should be on time.
func (r *hostsRun) sustained() int {
	if t := r.out.Throughput; r.cfg.Sustained == 0 && t != nil && t.Sustained.Jobs > 0 {
		return t.Sustained.Jobs
	}
	return cmp.Or(r.cfg.Sustained, r.from())
}

// oneEach is the number of hosts from which on a job for each of them is measured too.
const oneEach = 100

// due are the numbers of jobs that are measured together.
func (r *hostsRun) due() []int {
	if len(r.cfg.Jobs) > 0 {
		return r.cfg.Jobs
	}
	half := max(1, r.sustained()/2)
	if r.out.Hosts > oneEach && r.out.Hosts < half {
		return []int{r.out.Hosts, half}
	}
	return []int{half}
}

// drift measures jobs at the second's edge and spread over the second, with connections
// that are open.
func (r *hostsRun) drift(ctx context.Context) error {
	for _, n := range r.due() {
		for _, jitter := range []time.Duration{0, time.Second} {
			got, err := r.burst(ctx, burst{jobs: n, seconds: r.cfg.Seconds, warm: r.cfg.WarmSeconds, jitter: jitter})
			if err != nil {
				return err
			}
			when := "each second, at its edge"
			if jitter > 0 {
				when = "each second, spread over it"
			}
			r.sayBurst(when, got)
			r.out.Drift = append(r.out.Drift, got)
		}
	}
	return nil
}

// cold measures the first second of a server: a job for each host, and as many as in the
// drift.
func (r *hostsRun) cold(ctx context.Context) error {
	all := []int{r.out.Hosts}
	if due := r.due(); due[len(due)-1] > r.out.Hosts {
		all = append(all, due[len(due)-1])
	}
	for _, n := range all {
		got, err := r.burst(ctx, burst{jobs: n, seconds: 1})
		if err != nil {
			return err
		}
		r.sayBurst("once, by a fresh server", got)
		r.out.Cold = append(r.out.Cold, got)
	}
	return nil
}

func (r *hostsRun) sayBurst(when string, b Burst) {
	r.say("%d jobs %s: p50 %.1f, p99 %.1f, max %.1f ms, %d missing, %d connections, %d handshakes; bare loop %.0f a "+
		"second", b.Jobs, when, b.Lateness.P50, b.Lateness.P99, b.Lateness.Max, b.Missing, b.Connections.Most,
		b.Handshakes.Begun, b.BarePerSecond)
}

// coldLeastMs is how long a cold start takes at least: the calls at the rate of the bare
// loop, and a handshake for each host. Both are as fast as the machine was then.
func coldLeastMs(b Burst, hosts int, bare *HostsBare) float64 {
	speed := cmp.Or(b.BarePerSecond, bare.best()) / bare.best()
	return 1000 * (float64(b.Jobs)/bare.best() + float64(hosts)/bare.HandshakesPerSecond) / speed
}

// littleConnections is how many connections a host needs by Little's law: its calls a
// second multiplied by the duration of a call.
func littleConnections(perSecond float64, hosts int, loneMs float64) float64 {
	return perSecond / float64(hosts) * loneMs / 1000
}

// mostConnections is how many connections a host may have: the goal.
func mostConnections(little float64) int { return max(4, int(math.Ceil(1.5*little))) }
