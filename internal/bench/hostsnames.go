package bench

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
)

// HostsNames is how late calls to hosts with a name each are, while a name server takes its
// time, beside calls to the same hosts by their address. Fires are spread over the second.
type HostsNames struct {
	DelayMs      int64 `json:"delayMs"` // of each answer
	TTLSeconds   int64 `json:"ttlSeconds"`
	First        Burst `json:"first"` // the first second of a server: no name is known
	FirstLookups int64 `json:"firstLookups"`
	FirstPlain   Burst `json:"firstWithoutNames"`
	Known        Burst `json:"known"`   // later, when each answer ends several times
	Lookups      int64 `json:"lookups"` // meanwhile, with those of the seconds before
	Plain        Burst `json:"withoutNames"`
}

const (
	namesDelay = 50 * time.Millisecond
	namesTTL   = 5 * time.Second
	namesWarm  = 3 // seconds until all names are known
)

// names measures a job for each host, every second.
func (r *hostsRun) names(ctx context.Context) error {
	s, err := startNameServer(ctx, namesDelay, namesTTL)
	if err != nil {
		return err
	}
	defer s.stop()
	wrap, err := s.wrap(r.env.folder)
	if err != nil {
		return err
	}
	named := make([]string, len(r.targets))
	for i, url := range r.targets {
		scheme, address, _ := strings.Cut(url, "://")
		_, port, _ := strings.Cut(address, ":")
		named[i] = fmt.Sprintf("%s://host%d.bench.test:%s", scheme, i, port)
	}
	out := &HostsNames{DelayMs: namesDelay.Milliseconds(), TTLSeconds: int64(namesTTL / time.Second)}
	r.out.Names = out
	m := burst{jobs: r.out.Hosts, seconds: 1, jitter: time.Second, path: "/ok", lead: hostsLead, skipVerify: true}
	later := m
	later.warm, later.seconds = namesWarm, r.cfg.NamesSeconds
	for _, part := range []struct {
		name    string
		m       burst
		targets []string
		wrap    []string
		out     *Burst
		lookups *int64
	}{
		{"first second, by address", m, r.targets, nil, &out.FirstPlain, nil},
		{"first second", m, named, wrap, &out.First, &out.FirstLookups},
		{"by address", later, r.targets, nil, &out.Plain, nil},
		{"names are known", later, named, wrap, &out.Known, &out.Lookups},
	} {
		part.m.targets = part.targets
		before := s.asked.Load()
		if *part.out, err = r.namesBurst(ctx, part.m, part.wrap); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		lookups := s.asked.Load() - before
		if part.lookups != nil {
			*part.lookups = lookups
		}
		late := part.out.Lateness
		r.say("names, %s: p50 %.1f, p99 %.1f, max %.1f ms, %d missing, %d lookups", part.name, late.P50,
			late.P99, late.Max,
			part.out.Missing, lookups)
	}
	return nil
}

// namesBurst makes a burst with a server of its own.
func (r *hostsRun) namesBurst(ctx context.Context, m burst, wrap []string) (out Burst, err error) {
	w, err := r.env.world(ctx, worldConfig{env: r.setting, wrap: wrap})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.discard()) }()
	return w.burst(ctx, m)
}
