package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/bench"
	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Defaults of the measurement with many hosts, where the others have longer ones.
const (
	hostsSeconds, hostsSecondsQuick       = 5, 2
	hostsWarm, hostsWarmQuick             = 2, 1
	hostsSteps, hostsStepsQuick           = 4, 2
	hostsTries                            = 2
	overloadSeconds, overloadSecondsQuick = 60, 10
	busySeconds, busySecondsQuick         = 20, 5
	namesSeconds, namesSecondsQuick       = 20, 5
	overloadHosts                         = 100
)

func addHostsFlags(fs *pflag.FlagSet, c *bench.HostsConfig) {
	fs.StringSliceVar(&c.Parts, "parts", bench.HostsParts, "tls: what to measure")
	fs.StringSliceVar(&c.Schemes, "scheme", []string{"https"}, "tls: https or http, or both")
	fs.IntSliceVar(&c.Hosts, "hosts", []int{1, 10, 100, 1_000}, "tls: numbers of hosts (100 with --quick)")
	fs.IntVar(&c.WarmSeconds, "warm-seconds", hostsWarm,
		"tls: seconds before the measured ones of a rate (1 with --quick)")
	fs.IntVar(&c.Sustained, "sustained", 0, "tls: rate to take as sustained instead of searching for it")
	fs.IntVar(&c.OverloadSeconds, "overload-seconds", overloadSeconds,
		"tls: duration of the overload (10 with --quick)")
	fs.IntVar(&c.BusySeconds, "busy-seconds", busySeconds, "tls: how long another process takes half of the processor "+
		"(5 with --quick)")
	fs.IntVar(&c.NamesSeconds, "names-seconds", namesSeconds,
		"tls: duration of the part names, whose answers end after "+
			"5 s (5 with --quick)")
	fs.IntSliceVar(&c.OverloadHosts, "overload-hosts", []int{overloadHosts},
		"tls: numbers of hosts for overload and busy (if not given: --hosts, if that is)")
	fs.BoolVar(&c.HTTP1, "http1", false, "tls: the receiver offers only HTTP/1.1")
}

// applyHosts sets what depends on other flags, unless the user has set it.
func (o *benchOptions) applyHosts(cmd *cobra.Command) {
	set := func(name string) bool { return cmd.Flags().Changed(name) }
	c := &o.tls
	c.Seconds, c.Steps, c.From, c.Tries = hostsSeconds, hostsSteps, o.from, hostsTries
	if o.quick {
		c.Seconds, c.Steps, c.Tries = hostsSecondsQuick, hostsStepsQuick, 1
		for name, apply := range map[string]func(){
			"hosts":            func() { c.Hosts = []int{overloadHosts} },
			"warm-seconds":     func() { c.WarmSeconds = hostsWarmQuick },
			"overload-seconds": func() { c.OverloadSeconds = overloadSecondsQuick },
			"busy-seconds":     func() { c.BusySeconds = busySecondsQuick },
			"names-seconds":    func() { c.NamesSeconds = namesSecondsQuick },
		} {
			if !set(name) {
				apply()
			}
		}
	}
	if set("seconds") {
		c.Seconds = o.seconds
	}
	if set("steps") {
		c.Steps = o.steps
	}
	if set("jobs") {
		c.Jobs = o.jobs
	}
	if set("hosts") && !set("overload-hosts") {
		c.OverloadHosts = c.Hosts
	}
}

func checkHosts(c *bench.HostsConfig) error {
	for _, part := range c.Parts {
		if !slices.Contains(bench.HostsParts, part) {
			return fmt.Errorf("--parts: there is no %q; there are %s", part, strings.Join(bench.HostsParts, ", "))
		}
	}
	for _, scheme := range c.Schemes {
		if scheme != "http" && scheme != "https" {
			return fmt.Errorf("--scheme must be http or https, not %q", scheme)
		}
	}
	return nil
}
