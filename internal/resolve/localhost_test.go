package resolve

import (
	"slices"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

func TestIsLocalhost(t *testing.T) {
	for name, want := range map[string]bool{
		"localhost": true, "LocalHost": true, "localhost.": true, "a.localhost": true, "a.b.LOCALHOST.": true,
		"_x.localhost": true,
		"":             false, ".": false, ".localhost": false, "localhost..": false, "alocalhost": false,
		"localhost.test":        false,
		"localhost.localdomain": false, "localhos": false, "host": false, "ſocalhost": false, "localhoſt": false,
		"127.0.0.1": false,
	} {
		if got := isLocalhost(name); got != want {
			t.Errorf("%q: %v", name, got)
		}
	}
}

func TestLocalhostIsNotLookedUp(t *testing.T) {
	z := newZone(time.Second, always(time.Minute, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		for _, name := range []string{"localhost", "hooks.localhost.", "LOCALHOST"} {
			r.Prepare(name)
			if got, err := r.Resolve(t.Context(), name); err != nil || !slices.Equal(got, addrs("127.0.0.1", "::1")) {
				t.Errorf("%s: %v, %v", name, got, err)
			}
		}
		n, _ := z.total()
		if names, _, _ := r.sizes(); n != 0 || names != 0 {
			t.Errorf("%d lookups, %d names remembered", n, names)
		}
	})
}
