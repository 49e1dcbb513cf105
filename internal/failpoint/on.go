//go:build failpoint

package failpoint

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync/atomic"
	"time"
)

// plan is the content of BELFRY_FAILPOINT.
type plan struct {
	name  string
	stall time.Duration // zero: kill
	at    int64         // the pass, counted from 1
}

var (
	asked  = fromEnv()
	passes atomic.Int64
)

// Hit marks a failpoint. At the configured pass it kills or stalls the process.
func Hit(name string) {
	p := asked
	if name != p.name || passes.Add(1) != p.at {
		return
	}
	if p.stall > 0 {
		time.Sleep(p.stall)
		return
	}
	self, err := os.FindProcess(os.Getpid())
	if err == nil {
		err = self.Kill()
	}
	if err != nil {
		panic(err)
	}
	select {} // nothing after the failpoint may run
}

// fromEnv reads the variable and unsets it: package config refuses unknown names, and
// this one is not a setting.
func fromEnv() plan {
	text, ok := os.LookupEnv("BELFRY_FAILPOINT")
	if !ok {
		return plan{}
	}
	p, err := parse(text)
	if err == nil {
		err = os.Unsetenv("BELFRY_FAILPOINT")
	}
	if err != nil {
		panic(err)
	}
	return p
}

// parse reads "name=kill@N" and "name=stall:DURATION@N".
func parse(text string) (p plan, err error) {
	wrong := fmt.Errorf("BELFRY_FAILPOINT must be name=kill@N or name=stall:DURATION@N, not %q", text)
	name, what, ok := strings.Cut(text, "=")
	what, pass, counted := strings.Cut(what, "@")
	if !ok || !counted || name == "" {
		return p, wrong
	}
	p.name = name
	if p.at, err = strconv.ParseInt(pass, 10, 64); err != nil || p.at < 1 {
		return p, wrong
	}
	if what == "kill" {
		return p, nil
	}
	duration, ok := strings.CutPrefix(what, "stall:")
	if p.stall, err = time.ParseDuration(duration); !ok || err != nil || p.stall <= 0 {
		return p, wrong
	}
	return p, nil
}
