package api

import (
	"strconv"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// What has ended makes room, the first that ended first; what acts, or is to act, stays.
func TestOldSilences(t *testing.T) {
	const now, hour = int64(100 * 24 * 60 * 60_000), int64(60 * 60_000)
	ending := func(at ...int64) (list []domain.Silence) {
		for i, to := range at {
			list = append(list, domain.Silence{ID: strconv.Itoa(i), From: 1, To: to})
		}
		return list
	}
	for name, c := range map[string]struct {
		known  []domain.Silence
		number int
		want   string
	}{
		"room":             {ending(now-2*hour, now-24*hour, now+hour), 3, ""},
		"a month ago":      {ending(now-2*hour, now-silencesKept-1, now-silencesKept), 3, "1"},
		"no room":          {ending(now-2*hour, now-3*hour, now+hour), 1_000, "10"},
		"no room for one":  {ending(now-2*hour, now-3*hour, now+hour), 901, "1"},
		"as many as may":   {ending(now-2*hour, now-3*hour), 900, ""},
		"ended just now":   {ending(now-hour, now-1, now), 1_000, ""},
		"some are unknown": {nil, 1_000, ""},
	} {
		got := ""
		for _, s := range oldSilences(c.known, c.number, now) {
			got += s.ID
		}
		if got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

// Silences that have ended do not keep anybody from making another one, by POST or by PUT.
func TestEndedSilencesMakeRoom(t *testing.T) {
	f := newFixture(t)
	h := newAPI(t, f)
	now := clock.NowMs(f.clock)
	number := func() int {
		t.Helper()
		found, err := f.store.AlertSettings().AlertSettings(t.Context(), domain.SettingSilence)
		if err != nil {
			t.Fatal(err)
		}
		return len(found)
	}
	fill := func() {
		t.Helper()
		for i := number(); i < domain.MaxSilences; i++ {
			s := domain.Silence{ID: "old-" + strconv.Itoa(i), Reason: "x", From: 1, To: now - 2*60*60_000 + int64(i)}
			if _, err := f.store.AlertSettings().PutAlertSetting(t.Context(), s.Encode(), domain.Change{}); err != nil {
				t.Fatal(err)
			}
		}
	}
	fill()
	call(t, h, "POST", "/alerts/silences", `{"reason":"x","durationMs":60000}`).into(t, 201, new(silenceBody))
	if n := number(); n != 901 {
		t.Errorf("%d silences", n)
	}
	fill()
	call(t, h, "PUT", "/alerts/silences/mine", `{"reason":"x","durationMs":60000}`).into(t, 201, new(silenceBody))
	if n := number(); n != 901 {
		t.Errorf("%d silences", n)
	}
}
