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

// DecodeAlertRule returns the rule that is stored.
func DecodeAlertRule(s *AlertSetting) (r AlertRule, err error) {
	err = decoded(s, &r)
	r.ID, r.Revision = s.ID, s.Revision
	return r, err
}

// Encode returns the silence as it is stored.
func (s *Silence) Encode() AlertSetting { return encoded(SettingSilence, s.ID, s.Revision, s) }

// DecodeSilence returns the silence that is stored.
func DecodeSilence(stored *AlertSetting) (s Silence, err error) {
	err = decoded(stored, &s)
	s.ID, s.Revision = stored.ID, stored.Revision
	return s, err
}

// Encode returns the window as it is stored.
func (w *Maintenance) Encode() AlertSetting { return encoded(SettingWindow, w.ID, w.Revision, w) }

// DecodeMaintenance returns the window that is stored.
func DecodeMaintenance(s *AlertSetting) (w Maintenance, err error) {
	err = decoded(s, &w)
	w.ID, w.Revision = s.ID, s.Revision
	return w, err
}
