package engine

import (
	"strings"
	"testing"
)

func TestConfigValidate(t *testing.T) {
	t.Parallel()
	if _, err := New(Config{MaxInFlight: -1, MaxInFlightPerHost: -1}); err == nil {
		t.Fatal("an empty configuration was accepted")
	} else {
		for _, want := range []string{"a store", "an executor", "metrics", "MaxInFlight ", "MaxInFlightPerHost "} {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%q is not in %v", want, err)
			}
		}
	}
	for _, c := range []struct{ all, host, wantAll, wantHost int }{
		{0, 0, DefaultMaxInFlight, DefaultMaxInFlight * 9 / 10},
		{100, 0, 100, 90},
		{1, 0, 1, 1},
		{100, 500, 100, 100},
		{100, 7, 100, 7},
	} {
		cfg := Config{MaxInFlight: c.all, MaxInFlightPerHost: c.host}
		_ = cfg.validate()
		if cfg.MaxInFlight != c.wantAll || cfg.MaxInFlightPerHost != c.wantHost {
			t.Errorf("%+v: %d and %d", c, cfg.MaxInFlight, cfg.MaxInFlightPerHost)
		}
	}
}
