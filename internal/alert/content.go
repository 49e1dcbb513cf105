package alert

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// Message is what a channel is told: about one group, or about several in a digest.
type Message struct {
	ID     domain.NotificationID // the same for each attempt
	Type   domain.NotificationType
	At     int64 // when it was made, Unix milliseconds
	Groups []domain.Group
	Link   string // to the page about alerts; empty: there is none
}

// Content is what a message says, in plain text: a title of one line, and a text of several.
type Content struct{ Title, Text string }

const (
	maxTitle = 250      // characters
	maxText  = 16 << 10 // bytes: a digest of 200 groups could have 200 KiB
)

// usual is the content without templates.
func usual(m *Message) Content {
	c := Content{Clip(OneLine(m.Title()), maxTitle), Plain(m.Text())}
	if len(c.Text) > maxText {
		more := "\n..."
		if m.Link != "" {
			more += "\n" + m.Link
		}
		c.Text = strings.ToValidUTF8(c.Text[:maxText-len(more)], "") + more
	}
	return c
}

// Over reports whether all groups of the message are over.
func (m *Message) Over() bool {
	for i := range m.Groups {
		if m.Groups[i].RecoveredAt == 0 {
			return false
		}
	}
	return m.Type != domain.NoticeTest
}

// Level returns the worst level of the groups that are not over, and of all where they are; of a test it is INFO.
func (m *Message) Level() domain.Level {
	worst, over := domain.LevelInfo, m.Over()
	for i := range m.Groups {
		g := &m.Groups[i]
		if g.RecoveredAt != 0 && !over {
			continue
		}
		if g.Level == domain.LevelCritical || g.Level == domain.LevelWarning && worst == domain.LevelInfo {
			worst = g.Level
		}
	}
	return worst
}

// Title says in one line what has happened.
func (m *Message) Title() string {
	switch {
	case m.Type == domain.NoticeTest:
		return "Test of this channel by Belfry"
	case len(m.Groups) == 1:
		return title(m.Type, &m.Groups[0])
	}
	return fmt.Sprintf("%d alerts: more than this channel takes in a minute", len(m.Groups))
}

func title(kind domain.NotificationType, g *domain.Group) string {
	what, words := subject(g), wordingOf(g)
	switch {
	case kind == domain.NoticeRecovered && g.Told.Seq <= 1 && g.Reopened == 0:
		return "Over already: " + what + " " + words.past
	case kind == domain.NoticeRecovered:
		return words.over + ": " + what
	case g.State == domain.GroupFlapping:
		return "Unstable: " + what + " fails and recovers in turn"
	case kind == domain.NoticeUpdated:
		return words.goesOn + ": " + what
	}
	return words.begins + ": " + what
}

// subject names the job of a group, or what its jobs have in common.
func subject(g *domain.Group) string {
	if g.Counts.AllJobs == 1 && len(g.Samples) == 1 {
		return nameOf(g, &g.Samples[0])
	}
	n := g.Counts.Jobs
	if n == 0 {
		n = g.Counts.AllJobs
	}
	jobs := count(int64(n), "job")
	switch g.By {
	case domain.ByHost:
		return HostLabel(g.Key) + ", " + jobs
	case domain.ByNamespace:
		return "namespace " + g.Key + ", " + jobs
	case domain.ByJob:
	}
	return jobs
}

// HostLabel returns host:port of a group's key.
func HostLabel(key string) string {
	if host := target.Of(key); host != (target.Host{}) {
		return host.Endpoint().Label()
	}
	return key
}

func nameOf(g *domain.Group, s *domain.GroupSample) string {
	if !(&domain.Condition{Kind: g.When}).OfJobs() {
		return s.Name
	}
	return "job " + cmp.Or(s.Name, s.JobID.String())
}

// count writes a number with what is counted: 2,800 jobs.
func count(n int64, what string) string {
	digits := strconv.FormatInt(n, 10)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	if n != 1 {
		what += "s"
	}
	return digits + " " + what
}

// Text says in plain text what somebody needs who was just woken up.
func (m *Message) Text() string {
	if m.Type == domain.NoticeTest {
		return "Messages about failures will come here. Nothing has failed."
	}
	var b strings.Builder
	for i := range m.Groups {
		if len(m.Groups) > 1 {
			kind := domain.NoticeOpened
			if m.Groups[i].RecoveredAt != 0 {
				kind = domain.NoticeRecovered
			}
			fmt.Fprintf(&b, "%s\n", OneLine(title(kind, &m.Groups[i])))
		}
		writeGroup(&b, &m.Groups[i], m.At)
	}
	if m.Link != "" {
		b.WriteString(m.Link + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func writeGroup(b *strings.Builder, g *domain.Group, at int64) {
	fmt.Fprintf(b, "%s since %s", count(g.Counts.Failures, wordingOf(g).counted), instant(g.FirstAt))
	if g.RecoveredAt != 0 {
		fmt.Fprintf(b, ", over since %s", instant(g.RecoveredAt))
	}
	b.WriteString(".\n")
	for i := range g.Samples {
		b.WriteString("- " + OneLine(sampleLine(g, &g.Samples[i], at)) + "\n")
	}
	if more := g.Counts.AllJobs - len(g.Samples); more > 0 && len(g.Samples) > 0 {
		fmt.Fprintf(b, "- and %s more\n", count(int64(more), "job"))
	}
	if g.Counts.Withdrawn > 0 {
		fmt.Fprintf(b, "%s paused or deleted meanwhile.\n", count(int64(g.Counts.Withdrawn), "job"))
	}
}

// sampleLine says of a job what failed, how often, and when it is called again.
func sampleLine(g *domain.Group, s *domain.GroupSample, at int64) string {
	line := nameOf(g, s)
	if s.Target != "" {
		line += " (" + s.Target + ")"
	}
	line += ": " + cmp.Or(s.Error, "failed")
	var more []string
	if s.Count > 1 && whenOf(g) == domain.WhenFailures {
		more = append(more, count(s.Count, "time")+" in a row")
	}
	if s.NextAt > at && g.RecoveredAt == 0 {
		more = append(more, "next call at "+instant(s.NextAt))
	}
	if len(more) > 0 {
		line += " (" + strings.Join(more, ", ") + ")"
	}
	return line
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
