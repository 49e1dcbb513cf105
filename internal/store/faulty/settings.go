package faulty

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

const roleSettings = "AlertSettings"

type settings struct {
	*Store
	real store.AlertSettings
}

func (o settings) AlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string) (
	domain.AlertSetting, error) {
	return get(ctx, o.Store, roleSettings, "AlertSetting", func() (domain.AlertSetting, error) {
		return o.real.AlertSetting(ctx, kind, id)
	})
}

func (o settings) AlertSettings(ctx context.Context, kind domain.AlertSettingKind) ([]domain.AlertSetting, error) {
	return get(ctx, o.Store, roleSettings, "AlertSettings", func() ([]domain.AlertSetting, error) {
		return o.real.AlertSettings(ctx, kind)
	})
}

func (o settings) PutAlertSetting(ctx context.Context, s domain.AlertSetting, c domain.Change) (
	domain.AlertSetting, error) {
	return get(ctx, o.Store, roleSettings, "PutAlertSetting", func() (domain.AlertSetting, error) {
		return o.real.PutAlertSetting(ctx, s, c)
	})
}

func (o settings) DeleteAlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string, revision int64,
	c domain.Change) error {
	return o.call(ctx, roleSettings, "DeleteAlertSetting", func() error {
		return o.real.DeleteAlertSetting(ctx, kind, id, revision, c)
	})
}

func (o settings) AlertSettingsRevision(ctx context.Context) (int64, error) {
	return get(ctx, o.Store, roleSettings, "AlertSettingsRevision", func() (int64, error) {
		return o.real.AlertSettingsRevision(ctx)
	})
}

func (o settings) PendingByChannel(ctx context.Context) ([]store.ChannelBacklog, error) {
	return get(ctx, o.Store, roleSettings, "PendingByChannel", func() ([]store.ChannelBacklog, error) {
		return o.real.PendingByChannel(ctx)
	})
}
