package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/client"
)

// Codes of a plugin for Nagios, Icinga and others, by the development guidelines of the Monitoring Plugins.
const (
	pluginOK       = 0
	pluginWarning  = 1
	pluginCritical = 2
)

// pluginFound is what a plugin has found out about a server.
type pluginFound struct {
	err     error            // the server does not answer
	ready   client.Readiness // that needs no key
	health  *client.Health   // nil: it may not be read
	metrics *client.Metrics  // nil: they may not be read
}

// result returns the code and the line of a plugin.
func (f *pluginFound) result() (code int, line string) {
	if f.err != nil {
		return pluginCritical, "BELFRY CRITICAL: " + pluginText(f.err.Error())
	}
	var reasons []string
	word := "OK"
	switch {
	case !f.ready.Ready():
		code, word, reasons = pluginCritical, "CRITICAL", f.reasons(f.ready.Failing)
		if len(reasons) == 0 {
			reasons = []string{"not ready"}
		}
	case len(f.ready.Warning) > 0:
		code, word, reasons = pluginWarning, "WARNING", f.reasons(f.ready.Warning)
	default:
		reasons = []string{"ready"}
		if f.health != nil {
			reasons = []string{"ready, version " + f.health.Version}
		}
	}
	line = "BELFRY " + word + ": " + pluginText(strings.Join(reasons, "; "))
	if m := f.metrics; m != nil {
		line += fmt.Sprintf(" | jobs=%d active_jobs=%d executions=%dc failed=%dc missed=%dc unknown=%dc", m.Jobs.Total,
			m.Jobs.Active, m.Executions.Total, m.Executions.Failed, m.Executions.Missed, m.Executions.Unknown)
	}
	return code, line
}

// reasons says why checks fail or warn, as far as that may be read.
func (f *pluginFound) reasons(names []string) (reasons []string) {
	for _, name := range slices.Sorted(slices.Values(names)) {
		reason := name
		if f.health != nil {
			c := f.health.Checks[name]
			for _, text := range []string{c.Detail, c.Warning} {
				if text != "" {
					reason = name + ": " + text
					break
				}
			}
		}
		reasons = append(reasons, reason)
	}
	return reasons
}

// pluginText makes a text fit into the line: a bar would begin the performance data.
func pluginText(text string) string {
	return strings.Join(strings.FieldsFunc(text, func(r rune) bool { return r == '\n' || r == '\r' || r == '|' }), " ")
}

// printPlugin prints the line of a plugin and ends with its code.
func printPlugin(ctx context.Context, out io.Writer, c *client.Client) error {
	var found pluginFound
	found.ready, found.err = c.Ready(ctx)
	if found.err != nil {
		found.err = reach(c, found.err)
	} else {
		if health, err := c.Health(ctx); err == nil {
			found.health = &health
		}
		if metrics, err := c.Metrics(ctx); err == nil {
			found.metrics = &metrics
		}
	}
	code, line := found.result()
	if _, err := fmt.Fprintln(out, line); err != nil {
		return errors.Join(err, &failure{code: code})
	}
	if code == pluginOK {
		return nil
	}
	return &failure{code: code}
}
