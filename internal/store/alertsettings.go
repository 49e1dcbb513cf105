package store

import (
	"bytes"
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// AlertSettings keeps what is configured about alerts: channels, rules, silences and maintenance windows. Secrets are
// sealed where they are stored, as those of jobs.
//
// A change with an At is entered in the trail, in the transaction of the write: Action and Detail come from the write.
type AlertSettings interface {
	// AlertSetting returns a setting, or CodeNotFound.
	AlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string) (domain.AlertSetting, error)
	// AlertSettings returns all settings of a kind, in the order of their ids.
	AlertSettings(ctx context.Context, kind domain.AlertSettingKind) ([]domain.AlertSetting, error)
	// PutAlertSetting inserts a setting whose Revision is zero, and replaces that of the Revision otherwise. It returns
	// what is kept, with a Revision that is higher than each one before. CodeConflict: there is one already, or it has
	// another Revision or is gone, or there are as many of the kind as there may be. A repeat of what is kept
	// succeeds and changes nothing. CodeInvalid: it is too large. It writes the record that its context has, if it has
	// one: see [WithIdempotency].
	PutAlertSetting(ctx context.Context, s domain.AlertSetting, c domain.Change) (domain.AlertSetting, error)
	// DeleteAlertSetting deletes a setting of a revision; zero: of any. CodeConflict: it has another one. One that
	// is not there is no error.
	DeleteAlertSetting(ctx context.Context, kind domain.AlertSettingKind, id string, revision int64,
		c domain.Change) error
	// AlertSettingsRevision returns a number that is higher after each change of any setting.
	AlertSettingsRevision(ctx context.Context) (int64, error)
	// PendingByChannel returns how many messages wait for each channel that has any, in the order of the channels.
	PendingByChannel(ctx context.Context) ([]ChannelBacklog, error)
}

// ChannelBacklog is what waits for a channel.
type ChannelBacklog struct {
	Channel string
	Pending int64
	Oldest  domain.NotificationID // whose first 48 bits are when it was made
}

// CheckSetting returns a CodeInvalid error if a setting cannot be stored.
func CheckSetting(s *domain.AlertSetting) error {
	switch {
	case s.Kind.Max() == 0:
		return domain.Invalid("kind", "is not known", string(s.Kind))
	case !domain.ValidAlertID(s.ID):
		return domain.InvalidAs(domain.FieldFormat, "id", "must be lower-case letters, digits and hyphens", s.ID)
	case len(s.Body) > domain.MaxSettingBody || len(s.Secrets) > domain.MaxSettingSecrets:
		return &domain.Error{Code: domain.CodeInvalid, Message: "it is larger than a setting of alerts may be"}
	}
	return nil
}

// PutsSetting decides what a put does to what is kept of the setting, nil: nothing is. The number is of all settings
// of the kind. An empty action: the put is a repeat.
//
//	is       put        does
//	none     new        SETTING_CREATE, or a conflict where there are as many as there may be
//	none     revision   a conflict: it is gone
//	same     any        nothing: it is a repeat
//	other    revision   SETTING_UPDATE if it is that of what is kept, else a conflict
//	other    new        a conflict
func PutsSetting(is, put *domain.AlertSetting, number int) (domain.Action, error) {
	switch {
	case is == nil && put.Revision != 0:
		return "", domain.Conflict("%s was deleted meanwhile", SettingName(put.Kind, put.ID))
	case is == nil && number >= put.Kind.Max():
		return "", domain.Conflict("there are %d of these already, as many as there may be", number)
	case is == nil:
		return domain.ActionSettingCreate, nil
	case is.Unread == "" && bytes.Equal(is.Body, put.Body) && bytes.Equal(is.Secrets, put.Secrets):
		return "", nil
	case is.Revision != put.Revision:
		return "", SettingChanged(put.Kind, put.ID)
	}
	return domain.ActionSettingUpdate, nil
}

// SettingName names a setting, for people and in the trail: "CHANNEL ops".
func SettingName(kind domain.AlertSettingKind, id string) string { return string(kind) + " " + id }

// SettingChanged is the CodeConflict error about a setting.
func SettingChanged(kind domain.AlertSettingKind, id string) error {
	return domain.Conflict("%s has changed since it was read: read it again", SettingName(kind, id))
}

// NoSetting is the CodeNotFound error about a setting.
func NoSetting(kind domain.AlertSettingKind, id string) error {
	return &domain.Error{Code: domain.CodeNotFound, Message: SettingName(kind, id) + " does not exist"}
}

// SettingEntry completes a change with a write of a setting. The second result is false where there is none.
func SettingEntry(c domain.Change, action domain.Action, s *domain.AlertSetting) (domain.Change, bool) {
	c.Action, c.Detail = action, SettingName(s.Kind, s.ID)
	return c, c.At != 0
}
