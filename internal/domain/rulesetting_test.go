package domain

import (
	"reflect"
	"testing"
)

// What is configured is read as it was stored, and no field is lost.
func TestRulesAreReadAsStored(t *testing.T) {
	match := AlertMatcher{Jobs: []JobID{{1}, {2}}, Namespace: "pay", Tag: "t", Host: "api.example.com"}
	r := AlertRule{ID: "r", Revision: 3, Name: "n", Limit: "pay", Match: match, Channels: []string{"ops"},
		When:  Condition{Kind: WhenDuration, Count: 2, Of: 3, Percent: 4, ThresholdMs: 5, WindowMs: 6},
		Level: LevelWarning, By: ByJob, Disabled: true, CreatedAt: 7, UpdatedAt: 8,
		Timing: RuleTiming{WaitMs: 1, UpdateMs: 2, RepeatMs: 3, NoRecovery: true}}
	by := Author{Key: "k", Name: "ann", Address: "::1"}
	s := Silence{ID: "s", Revision: 4, Limit: "pay", Match: match, Reason: "disks", By: by, CreatedAt: 1, From: 2,
		To: 3}
	w := Maintenance{ID: "w", Revision: 5, Limit: "pay", Match: match, Reason: "backup", By: by, CreatedAt: 1,
		UpdatedAt: 2,
		Schedule:  "0 0 2 * * *", Timezone: "Europe/Berlin", DurationMs: 3, Disabled: true}
	stored := r.Encode()
	if got, err := DecodeAlertRule(&stored); err != nil || !reflect.DeepEqual(got, r) {
		t.Errorf("%+v, %v", got, err)
	}
	stored = s.Encode()
	if got, err := DecodeSilence(&stored); err != nil || !reflect.DeepEqual(got, s) {
		t.Errorf("%+v, %v", got, err)
	}
	stored = w.Encode()
	if got, err := DecodeMaintenance(&stored); err != nil || !reflect.DeepEqual(got, w) {
		t.Errorf("%+v, %v", got, err)
	}
	for _, v := range []reflect.Value{reflect.ValueOf(r), reflect.ValueOf(s), reflect.ValueOf(w)} {
		for i := range v.NumField() {
			if v.Field(i).IsZero() && v.Type().Field(i).Name != "Unread" {
				t.Errorf("the test does not set %s.%s", v.Type(), v.Type().Field(i).Name)
			}
		}
	}
	at := func(from, to int64) (acts bool) { // of what was not read
		broken := AlertSetting{Kind: SettingSilence, ID: "s", Body: []byte("{")}
		silence, _ := DecodeSilence(&broken)
		window, _ := DecodeMaintenance(&broken)
		for at := from; at < to && !acts; at++ {
			_, acts = silence.At(at)
			if _, in := window.In(at); in {
				acts = true
			}
		}
		return acts || silence.Unread == "" || window.Unread == "" || silence.ID != "s" || window.ID != "s"
	}
	if at(-10, 10) {
		t.Error("a silence or a window that cannot be read acts")
	}
	spec := DefaultSpec()
	for _, body := range []string{"{", `{"when":{"kind":"OF_A_NEWER_BUILD"}}`, `{"level":7}`} {
		stored := AlertSetting{Kind: SettingRule, ID: "r", Revision: 7, Body: []byte(body)}
		r, err := DecodeAlertRule(&stored)
		if err == nil || r.Unread == "" || r.ID != "r" || r.Revision != 7 || r.Applies(JobID{1}, &spec) {
			t.Errorf("%s is %+v, %v", body, r, err)
		}
	}
}
