package resolve

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// The warning is about names in use that have addresses.
func TestWarning(t *testing.T) {
	z := newZone(aLookup, always(time.Minute, "192.0.2.1"))
	virtual(t, z, func(t *testing.T, r *Resolver, _ *telemetry.Names) {
		for i := range 3 {
			wantFound(t, r, fmt.Sprintf("h%d.test", i))
		}
		z.set(aLookup, never(errServers))
		time.Sleep(50 * time.Second)
		_, _ = r.Resolve(t.Context(), "new.test") // has no address to go on with
		if w := r.Warning(); w != "" {
			t.Errorf("warning %q while the TTL lasts", w)
		}
		time.Sleep(20 * time.Second)
		w := r.Warning()
		if !strings.HasPrefix(w, "3 names cannot be looked up, h") ||
			!strings.HasSuffix(w, ": calls use the last known addresses, for an hour at most") {
			t.Errorf("warning %q", w)
		}
		time.Sleep(2 * keepFor)
		if w := r.Warning(); w != "" {
			t.Errorf("warning %q about names that are not in use", w)
		}
		for _, name := range []string{"new.test", "never-asked.test"} {
			if o, ok := r.Outage(name); ok {
				t.Errorf("%s: outage %+v", name, o)
			}
		}
	})
}
