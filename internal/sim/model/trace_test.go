package model

import (
	"fmt"
	"strings"
)

// table shows a path, a step a line: what happened, the clocks, what is on
// disk of the shard and the jobs, and each execution that is anywhere.
func (p *protocol) table(path []choice) string {
	var b strings.Builder
	row := func(n, step, clock, shard, rest string) {
		b.WriteString(strings.TrimRight(fmt.Sprintf("%4s  %-46s  %-7s  %-12s  %s", n, step, clock, shard, rest),
			" ") + "\n")
	}
	row("step", "what happens", "clock", "on disk", "executions: in memory [on disk] whether a request has arrived")
	n := 0
	replay(p, path, func(st step, s *state) {
		n++
		clock := fmt.Sprint(s.world.now)
		if s.world.offset != 0 {
			clock += fmt.Sprintf(" (%d)", s.wall())
		}
		disk := fmt.Sprintf("H=%d W=%d", s.shard.horizon, s.shard.watermark)
		if s.shard.clean {
			disk += " clean"
		}
		row(fmt.Sprint(n), st.String(), clock, disk, strings.Join(p.describe(s), "  "))
	})
	return b.String()
}

func (p *protocol) describe(s *state) []string {
	var out []string
	for j := range p.jobs {
		t := &s.jobs[j]
		if t.versions > 1 || t.deleted != never || p.jobs[j].create {
			text := fmt.Sprintf("job %d %v", j, t.from[:t.versions])
			if t.deleted != never {
				text += fmt.Sprintf(" until %d", t.deleted)
			}
			out = append(out, text)
		}
	}
	for i, f := range p.runs {
		if text := s.describeRun(i); text != "" {
			name := "fire"
			if f.trigger {
				name = "trigger"
			}
			out = append(out, fmt.Sprintf("%s %d@%d%s", name, i, s.past[i].at, text))
		}
	}
	return out
}

var phaseNames = [...]string{"", "staged", "held", "queued", "calling", "ended", "opening", "waiting"}

var outcomeNames = [...]string{"", "SUCCESS", "FAILED", "SKIPPED", "MISSED", "UNKNOWN"}

func (s *state) describeRun(i int) string {
	var b strings.Builder
	for o := range s.owners {
		if e := &s.owners[o].runs[i]; e.phase != idle {
			fmt.Fprintf(&b, " %s(v%d)", phaseNames[e.phase], e.version+1)
			if e.phase == ended {
				b.WriteString(":" + outcomeNames[e.result])
			}
			if e.phase == waiting {
				fmt.Fprintf(&b, " until %d", e.retryAt)
			}
		}
	}
	switch row := &s.ledger[i]; {
	case row.fact != none && row.wet:
		b.WriteString(" [" + outcomeNames[row.fact] + " not synced]")
	case row.fact != none:
		b.WriteString(" [" + outcomeNames[row.fact] + "]")
	case row.open.exists && row.open.inFlight:
		fmt.Fprintf(&b, " [open, in flight, next %d]", row.open.next)
	case row.open.exists:
		fmt.Fprintf(&b, " [open, next %d]", row.open.next)
	}
	if s.past[i].arrived {
		b.WriteString(" arrived")
	}
	return b.String()
}
