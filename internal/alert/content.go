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
	what := subject(g)
	switch {
	case kind == domain.NoticeRecovered && g.Told.Seq <= 1 && g.Reopened == 0:
		return "Over already: " + what + " had failed"
	case kind == domain.NoticeRecovered:
		return "Recovered: " + what
	case g.State == domain.GroupFlapping:
		return "Unstable: " + what + " fails and recovers in turn"
	case kind == domain.NoticeUpdated:
		return "Still failing: " + what
	}
	return "Failing: " + what
}

// subject names the job of a group, or what its jobs have in common.
func subject(g *domain.Group) string {
	if g.Counts.AllJobs == 1 && len(g.Samples) == 1 {
		return nameOf(&g.Samples[0])
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

func nameOf(s *domain.GroupSample) string { return "job " + cmp.Or(s.Name, s.JobID.String()) }

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
			fmt.Fprintf(&b, "%s\n", title(kind, &m.Groups[i]))
		}
		writeGroup(&b, &m.Groups[i])
	}
	if m.Link != "" {
		b.WriteString(m.Link + "\n")
	}
	return strings.TrimSuffix(b.String(), "\n")
}

func writeGroup(b *strings.Builder, g *domain.Group) {
	fmt.Fprintf(b, "%s since %s", count(g.Counts.Failures, "failed execution"), instant(g.FirstAt))
	if g.RecoveredAt != 0 {
		fmt.Fprintf(b, ", over since %s", instant(g.RecoveredAt))
	}
	b.WriteString(".\n")
	for i := range g.Samples {
		s := &g.Samples[i]
		fmt.Fprintf(b, "- %s", nameOf(s))
		if s.Target != "" {
			fmt.Fprintf(b, " (%s)", s.Target)
		}
		fmt.Fprintf(b, ": %s\n", cmp.Or(s.Error, "failed"))
	}
	if more := g.Counts.AllJobs - len(g.Samples); more > 0 && len(g.Samples) > 0 {
		fmt.Fprintf(b, "- and %s more\n", count(int64(more), "job"))
	}
	if g.Counts.Withdrawn > 0 {
		fmt.Fprintf(b, "%s paused or deleted meanwhile.\n", count(int64(g.Counts.Withdrawn), "job"))
	}
}

func instant(ms int64) string { return time.UnixMilli(ms).UTC().Format("2006-01-02 15:04:05 UTC") }
