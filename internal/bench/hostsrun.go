package bench

import (
	"context"
	"fmt"
	"slices"
	"time"
)

// HostsParts are the parts of the measurement, in the order in which they are made.
var HostsParts = []string{"bare", "throughput", "drift", "cold", "overload", "busy", "memory", "names"}

// TLS measures calls to many hosts, which are ports of one receiver.
func (b *Bench) TLS(ctx context.Context, cfg HostsConfig) (out []HostsRun, err error) {
	usual := b.env.receiver
	defer func() { b.env.receiver = usual }()
	for _, scheme := range cfg.Schemes {
		for _, n := range cfg.Hosts {
			run := &hostsRun{env: b.env, cfg: cfg, out: &HostsRun{Scheme: scheme, Hosts: n}}
			if err := run.measure(ctx); err != nil {
				return out, fmt.Errorf("%s, %d hosts: %w", scheme, n, err)
			}
			out = append(out, *run.out)
		}
	}
	return out, nil
}

// measure starts the receiver and makes the parts. A part that fails ends with a note
// instead of an error, because an overloaded server is what some of them are about.
func (r *hostsRun) measure(ctx context.Context) error {
	if err := r.listen(ctx); err != nil {
		return err
	}
	defer r.env.receiver.discard()
	for _, part := range []struct {
		name  string
		limit time.Duration
		run   func(context.Context) error
	}{
		{"bare", bareLimit, r.bare},
		{"throughput", r.burstsLimit(r.cfg.Steps * r.cfg.Tries), r.throughput},
		{"drift", r.burstsLimit(2 * (2 + len(r.cfg.Jobs))), r.drift},
		{"cold", r.burstsLimit(2), r.cold},
		{"overload", overloadLimit(r.cfg.OverloadSeconds), r.overload},
		{"busy", overloadLimit(r.cfg.BusySeconds), r.busy},
		{"memory", memoryLimit, r.memory},
		{"names", 4 * (time.Minute + time.Duration(r.cfg.NamesSeconds)*time.Second), r.names},
	} {
		if !r.wants(part.name) {
			continue
		}
		limited, cancel := context.WithTimeout(ctx, part.limit)
		err := part.run(limited)
		cancel()
		if ctx.Err() != nil {
			return ctx.Err()
		}
		if err != nil {
			r.say("%s: %v", part.name, err)
			r.out.Faults = append(r.out.Faults, fmt.Sprintf("%s: %v", part.name, err))
		}
	}
	return nil
}

// wants reports whether a part is to be measured. The bare loop is, unless nothing is
// compared with it and no rate is derived from it.
func (r *hostsRun) wants(part string) bool {
	named := func(part string) bool { return slices.Contains(r.cfg.Parts, part) }
	switch part {
	case "bare":
		return named(part) || named("throughput") || named("drift") || named("cold") || r.cfg.Sustained == 0
	case "overload", "busy":
		return named(part) && slices.Contains(r.cfg.OverloadHosts, r.out.Hosts)
	}
	return named(part)
}

// burstsLimit is how long n bursts may take: the start of a server, the import, the
// seconds themselves and the drain.
func (r *hostsRun) burstsLimit(n int) time.Duration {
	return time.Duration(n) * (time.Minute + time.Duration(r.cfg.WarmSeconds+r.cfg.Seconds)*time.Second)
}
