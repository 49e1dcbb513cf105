package alert

import (
	"context"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

const (
	// measureEvery is how often it is counted what waits: a scrape reads nothing.
	measureEvery = 10 * time.Second
	// measureShare bounds the time for that: what takes longer the more messages wait is done so much more seldom.
	measureShare   = 50
	measureTimeout = 2 * time.Second
	// announceEvery is how often a server that does not tell people looks which kinds of channels there are.
	announceEvery = 30 * time.Second
	// silencedLabel is the state of a group of which people are not told for a while.
	silencedLabel = "SILENCED"
)

// Announce lets the counters of each kind of channels that is served begin at zero, until the context ends. It is for
// servers that may take over: what they count first is an increase then, and not where their series begin.
func (t *Teller) Announce(ctx context.Context) {
	for {
		own, cancel := context.WithTimeout(ctx, measureTimeout)
		settings, err := t.Settings(own)
		cancel()
		if err != nil && ctx.Err() == nil {
			t.Log.Debug("it is not known for now which channels there are", telemetry.KeyError, err)
		}
		for i := range settings.Channels {
			if c := &settings.Channels[i]; served(c) {
				t.Metrics.Serve(kindLabel(c))
			}
		}
		if !clock.Wait(ctx, announceEvery) {
			return
		}
	}
}

// measuring counts for the metrics.
type measuring struct {
	next time.Time // when that is done
}

// show shows what is open and what waits, if it is time.
func (m *measuring) show(ctx context.Context, cfg *Config, groups *openGroups, settings *Settings) {
	now := cfg.Clock.Now()
	if now.Before(m.next) && m.next.Sub(now) <= measureShare*measureTimeout { // later: the clock was set back
		return
	}
	own, cancel := context.WithTimeout(ctx, measureTimeout)
	defer cancel()
	begun := cfg.Clock.Mark()
	waiting, err := cfg.Store.AlertSettings().PendingByChannel(own)
	m.next = now.Add(max(measureEvery, measureShare*cfg.Clock.Elapsed(begun)))
	if err != nil {
		if ctx.Err() == nil {
			cfg.Log.Warn("it is not known for now how many messages wait", telemetry.KeyError, err)
		}
		return
	}
	cfg.Metrics.Show(&telemetry.AlertsShown{
		Groups:   countGroups(groups),
		Messages: countMessages(settings, waiting),
		Oldest:   oldestMessages(settings, waiting),
		Acting:   countActing(settings, clock.NowMs(cfg.Clock)),
	})
}

// countGroups counts the groups that are open. One that has recovered may open again, and is not.
func countGroups(groups *openGroups) map[telemetry.GroupLabels]int {
	counts := make(map[telemetry.GroupLabels]int)
	for _, level := range []domain.Level{domain.LevelInfo, domain.LevelWarning, domain.LevelCritical} {
		for _, state := range []domain.GroupState{domain.GroupWaiting, domain.GroupOpen, domain.GroupAcknowledged,
			domain.GroupFlapping, silencedLabel} {
			counts[telemetry.GroupLabels{Level: string(level), State: string(state)}] = 0
		}
	}
	for _, g := range groups.all {
		if g.State == domain.GroupRecovered {
			continue
		}
		labels := telemetry.GroupLabels{Level: string(g.Level), State: string(g.State)}
		if g.Quiet != nil {
			labels.State = silencedLabel
		}
		if _, known := counts[labels]; !known { // a newer build has stored it
			labels = telemetry.GroupLabels{Level: unknownLabel, State: unknownLabel}
		}
		counts[labels]++
	}
	return counts
}

// countMessages counts what is pending for the channels of each kind.
func countMessages(s *Settings, waiting []store.ChannelBacklog) map[telemetry.MessageLabels]int {
	counts := make(map[telemetry.MessageLabels]int)
	for i := range s.Channels {
		kind := kindLabel(&s.Channels[i])
		counts[telemetry.MessageLabels{Kind: kind, State: telemetry.MessagesWaiting}] = 0
		counts[telemetry.MessageLabels{Kind: kind, State: telemetry.MessagesHeld}] = 0
	}
	for i := range waiting {
		c := s.channel(waiting[i].Channel)
		labels := telemetry.MessageLabels{Kind: kindLabel(c), State: telemetry.MessagesWaiting}
		if !served(c) {
			labels.State = telemetry.MessagesHeld
		}
		counts[labels] += int(waiting[i].Pending)
	}
	return counts
}

// oldestMessages returns when the oldest message was made that waits for a channel of each kind that is served; zero:
// none waits.
func oldestMessages(s *Settings, waiting []store.ChannelBacklog) map[string]int64 {
	oldest := make(map[string]int64)
	for i := range s.Channels {
		if c := &s.Channels[i]; served(c) {
			oldest[kindLabel(c)] = 0
		}
	}
	for i := range waiting {
		if c := s.channel(waiting[i].Channel); served(c) {
			kind := kindLabel(c)
			oldest[kind] = sooner(oldest[kind], waiting[i].Oldest.MadeAt())
		}
	}
	return oldest
}

// served reports whether messages are sent to a channel.
func served(c *domain.Channel) bool { return c != nil && !c.Disabled }

// countActing counts the silences and the maintenance windows that act at an instant.
func countActing(s *Settings, now int64) map[string]int {
	counts := map[string]int{string(domain.QuietSilence): 0, string(domain.QuietWindow): 0}
	for i := range s.Silences {
		if _, acts := s.Silences[i].At(now); acts {
			counts[string(domain.QuietSilence)]++
		}
	}
	for i := range s.Windows {
		if _, acts := s.Windows[i].At(now); acts {
			counts[string(domain.QuietWindow)]++
		}
	}
	return counts
}
