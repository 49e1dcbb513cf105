package app

import (
	"context"
	"crypto/pbkdf2"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/config"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// lookAtSettingsEvery is how often it is asked, at most, whether what is stored has changed.
const lookAtSettingsEvery = time.Second

// alertSettings are what people want to be told and where: the channels of the settings of this server, and what is
// stored. It is safe for use by several goroutines.
type alertSettings struct {
	stored store.AlertSettings
	fixed  []domain.Channel
	former map[string]string // ids of fixed channels in the builds before
	clock  clock.Clock
	log    *slog.Logger

	mu       sync.Mutex
	asked    time.Time // zero: never
	revision int64     // of what was read
	last     alert.Settings
}

// now returns the settings that hold now. They are read anew when they have changed.
func (s *alertSettings) now(ctx context.Context) (alert.Settings, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := s.clock.Now()
	if !s.asked.IsZero() && now.Sub(s.asked) < lookAtSettingsEvery && !now.Before(s.asked) {
		return s.last, nil
	}
	revision, err := s.stored.AlertSettingsRevision(ctx)
	if err != nil {
		return alert.Settings{}, err
	}
	if s.asked.IsZero() || revision != s.revision {
		// What changes meanwhile has a higher revision, and is read with the next look.
		if s.last, err = s.read(ctx); err != nil {
			return alert.Settings{}, err
		}
		s.revision = revision
	}
	s.asked = now
	return s.last, nil
}

// read reads what is stored, beside the channels of the settings. What this build cannot read, since a newer one may
// have stored it, is left out. Of rules and channels it is kept that they are there: messages for a channel wait.
func (s *alertSettings) read(ctx context.Context) (out alert.Settings, err error) {
	out.Channels, out.Former = append(out.Channels, s.fixed...), s.former
	err = errors.Join(
		readSettings(ctx, s, domain.SettingChannel, decodeChannel, &out.Channels),
		readSettings(ctx, s, domain.SettingRule, domain.DecodeAlertRule, &out.Rules),
		readSettings(ctx, s, domain.SettingSilence, domain.DecodeSilence, &out.Silences),
		readSettings(ctx, s, domain.SettingWindow, domain.DecodeMaintenance, &out.Windows),
	)
	out.Rules = alert.WithBuiltIn(slices.DeleteFunc(out.Rules, func(r domain.AlertRule) bool {
		_, builtIn := alert.BuiltInRule(r.ID)
		return r.Unread != "" && builtIn // people are told as if there were none
	}))
	return out, err
}

// decodeChannel returns a channel. One that cannot be read has no more than its id, and says so.
func decodeChannel(s *domain.AlertSetting) (domain.Channel, error) {
	c, err := domain.DecodeChannel(s)
	if err != nil {
		c = domain.UnreadChannel(s)
	}
	return c, err
}

func readSettings[T any](ctx context.Context, s *alertSettings, kind domain.AlertSettingKind,
	decode func(*domain.AlertSetting) (T, error), into *[]T) error {
	found, err := s.stored.AlertSettings(ctx, kind)
	if err != nil {
		return err
	}
	for i := range found {
		one, err := decode(&found[i])
		if err != nil {
			s.log.Error("a setting of alerts cannot be read, and has no effect", "kind", string(kind), "id",
				found[i].ID, telemetry.KeyError, err)
			if kind != domain.SettingRule && kind != domain.SettingChannel {
				continue
			}
		}
		*into = append(*into, one)
	}
	return nil
}

// fixedChannels are those of the settings, each of which is a default. Their ids follow from their URLs, so that they
// stay the same when others are added before them. former has the ids that they had in the builds before: by position,
// and by a hash that was quick to guess.
func fixedChannels(cfg *config.Config) (channels []domain.Channel, former map[string]string, err error) {
	former = make(map[string]string)
	for i, u := range cfg.AlertURLs {
		id, err := fixedID(u.Reveal())
		if err != nil {
			return nil, nil, err
		}
		c, err := settingChannel(id, u.Reveal(), cfg.SigningSecrets)
		if err != nil {
			return nil, nil, err
		}
		former[formerID(u.Reveal())] = c.ID
		was := alert.FixedPrefix
		if i > 0 {
			was = fmt.Sprintf("%s-%d", alert.FixedPrefix, i+1)
		}
		former[was] = c.ID
		if !hasChannel(channels, c.ID) { // the same URL again
			channels = append(channels, c)
		}
	}
	return channels, former, nil
}

func hasChannel(channels []domain.Channel, id string) bool {
	for i := range channels {
		if channels[i].ID == id {
			return true
		}
	}
	return false
}

// fixedRounds is what makes it slow to guess the URL of an id: some 30 ms of a processor for each guess.
const fixedRounds = 100_000

// fixedID is the id of a channel of the settings: the same on all servers, and whatever keys are rotated. It shows
// nothing of the URL, and whoever reads it has to work for each guess.
func fixedID(url string) (string, error) {
	sum, err := pbkdf2.Key(sha256.New, url, []byte("belfry channel of the settings"), fixedRounds, sha256.Size)
	if err != nil {
		return "", err
	}
	return fixedOf(sum), nil
}

// formerID is the id that it had before.
func formerID(url string) string {
	sum := sha256.Sum256([]byte("belfry channel\x00" + url))
	return fixedOf(sum[:])
}

func fixedOf(sum []byte) string { return alert.FixedPrefix + "-" + hex.EncodeToString(sum[:5]) }
