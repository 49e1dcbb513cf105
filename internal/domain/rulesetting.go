package domain

import (
	"encoding/json"
	"fmt"
)

// encoded returns what is configured as it is stored.
func encoded(kind AlertSettingKind, id string, revision int64, of any) AlertSetting {
	body, _ := json.Marshal(of) // has no value without a form in JSON
	return AlertSetting{Kind: kind, ID: id, Revision: revision, Body: body}
}

func decoded(s *AlertSetting, into any) error {
	if err := json.Unmarshal(s.Body, into); err != nil {
		return fmt.Errorf("%s %s cannot be read: %w", s.Kind, s.ID, err)
	}
	return nil
}

// Encode returns the rule as it is stored.
func (r *AlertRule) Encode() AlertSetting { return encoded(SettingRule, r.ID, r.Revision, r) }

// DecodeAlertRule returns the rule that is stored. With an error, since a newer build may have stored it, there is one
// that says so (Unread) and is about no job.
func DecodeAlertRule(s *AlertSetting) (r AlertRule, err error) {
	err = decoded(s, &r)
	if err == nil && !r.When.Known() {
		err = fmt.Errorf("%s %s cannot be read: its condition %s is not known", s.Kind, s.ID, r.When.Kind)
	}
	if err != nil {
		r = AlertRule{Level: LevelCritical, By: ByHost, Timing: DefaultTiming(), Unread: err.Error()}
	}
	r.ID, r.Revision = s.ID, s.Revision
	return r, err
}

// Encode returns the silence as it is stored.
func (s *Silence) Encode() AlertSetting { return encoded(SettingSilence, s.ID, s.Revision, s) }

// DecodeSilence returns the silence that is stored; with an error, one that says so and never acts.
func DecodeSilence(stored *AlertSetting) (s Silence, err error) {
	if err = decoded(stored, &s); err != nil {
		s = Silence{Unread: err.Error()}
	}
	s.ID, s.Revision = stored.ID, stored.Revision
	return s, err
}

// Encode returns the window as it is stored.
func (w *Maintenance) Encode() AlertSetting { return encoded(SettingWindow, w.ID, w.Revision, w) }

// DecodeMaintenance returns the window that is stored; with an error, one that says so and never acts.
func DecodeMaintenance(s *AlertSetting) (w Maintenance, err error) {
	if err = decoded(s, &w); err != nil {
		w = Maintenance{Unread: err.Error()}
	}
	w.ID, w.Revision = s.ID, s.Revision
	return w, err
}
