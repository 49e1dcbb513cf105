package memory

import (
	"bytes"
	"cmp"
	"context"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func copySetting(s domain.AlertSetting) domain.AlertSetting {
	s.Body, s.Secrets = bytes.Clone(s.Body), bytes.Clone(s.Secrets)
	return s
}

// AlertSetting implements store.AlertSettings.
func (o settings) AlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string) (
	found domain.AlertSetting, err error) {
	err = o.do(ctx, func(d *Disk) error {
		is, ok := d.settings[settingKey{kind, id}]
		if !ok {
			return store.NoSetting(kind, id)
		}
		found = copySetting(is)
		return nil
	})
	return found, err
}

// AlertSettings implements store.AlertSettings.
func (o settings) AlertSettings(ctx context.Context, kind domain.AlertSettingKind) (
	found []domain.AlertSetting, err error) {
	err = o.do(ctx, func(d *Disk) error {
		for key, is := range d.settings {
			if key.kind == kind {
				found = append(found, copySetting(is))
			}
		}
		slices.SortFunc(found, func(a, b domain.AlertSetting) int { return cmp.Compare(a.ID, b.ID) })
		return nil
	})
	return found, err
}

// PutAlertSetting implements store.AlertSettings.
func (o settings) PutAlertSetting(ctx context.Context, s domain.AlertSetting, c domain.Change) (
	kept domain.AlertSetting, err error) {
	if err := store.CheckSetting(&s); err != nil {
		return kept, err
	}
	err = o.do(ctx, func(d *Disk) error {
		var is *domain.AlertSetting
		number := 0
		for key, other := range d.settings {
			if key.kind == s.Kind {
				number++
			}
			if key == (settingKey{s.Kind, s.ID}) {
				is = &other
			}
		}
		action, err := store.PutsSetting(is, &s, number)
		if err != nil || action == "" {
			if is != nil {
				kept = copySetting(*is)
			}
			return err
		}
		if r, comesAgain := store.IdempotencyOf(ctx); comesAgain {
			if err := d.keepRecord(&r); err != nil {
				return err
			}
		}
		d.settingRevision++
		kept = copySetting(s)
		kept.Revision, kept.Unread = d.settingRevision, ""
		d.settings[settingKey{s.Kind, s.ID}] = copySetting(kept)
		if e, ok := store.SettingEntry(c, action, &s); ok {
			d.enter(e)
		}
		return nil
	})
	if err != nil {
		return domain.AlertSetting{}, err
	}
	return kept, nil
}

// DeleteAlertSetting implements store.AlertSettings.
func (o settings) DeleteAlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string, revision int64,
	c domain.Change) error {
	return o.do(ctx, func(d *Disk) error {
		is, ok := d.settings[settingKey{kind, id}]
		switch {
		case !ok:
			return nil
		case revision != 0 && is.Revision != revision:
			return store.SettingChanged(kind, id)
		}
		d.settingRevision++
		delete(d.settings, settingKey{kind, id})
		if e, ok := store.SettingEntry(c, domain.ActionSettingDelete, &is); ok {
			d.enter(e)
		}
		return nil
	})
}

// AlertSettingsRevision implements store.AlertSettings.
func (o settings) AlertSettingsRevision(ctx context.Context) (revision int64, err error) {
	err = o.do(ctx, func(d *Disk) error {
		revision = d.settingRevision
		return nil
	})
	return revision, err
}

// PendingByChannel implements store.AlertSettings.
func (o settings) PendingByChannel(ctx context.Context) (found []store.ChannelBacklog, err error) {
	err = o.do(ctx, func(d *Disk) error {
		of := make(map[string]*store.ChannelBacklog)
		for id, m := range d.messages {
			if m.State.Ended() {
				continue
			}
			b := of[m.Channel]
			if b == nil {
				b = &store.ChannelBacklog{Channel: m.Channel, Oldest: id}
				of[m.Channel] = b
			}
			b.Pending++
			if bytes.Compare(id[:], b.Oldest[:]) < 0 {
				b.Oldest = id
			}
		}
		for _, b := range of {
			found = append(found, *b)
		}
		slices.SortFunc(found, func(a, b store.ChannelBacklog) int { return cmp.Compare(a.Channel, b.Channel) })
		return nil
	})
	return found, err
}
