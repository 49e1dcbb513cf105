package domain

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

func storedVersion(change func(*Version)) Version {
	s := DefaultSpec()
	s.Schedule, s.API, s.Type = "0 */5 * * * *", "https://example.com/hook", AtLeastOnce
	v := Version{Number: 1, Active: true, EffectiveTo: Forever, Spec: s}
	change(&v)
	return v
}

// TestUnusable: what this program does not know is named; a limit that a stored
// job is over is no reason to stop it.
func TestUnusable(t *testing.T) {
	for field, change := range map[string]func(*Version){
		"type":            func(v *Version) { v.Spec.Type = "EXACTLY_ONCE" },
		"overlap":         func(v *Version) { v.Spec.Overlap = "REPLACE" },
		"misfire.policy":  func(v *Version) { v.Spec.Misfire.Policy = "RUN_SOME" },
		"retry.backoff":   func(v *Version) { v.Spec.Retry.Backoff = "RANDOM" },
		"dst.gap":         func(v *Version) { v.Spec.DST.Gap = "BOTH" },
		"dst.fold":        func(v *Version) { v.Spec.DST.Fold = "NONE" },
		"schedule":        func(v *Version) { v.Spec.Schedule = "never" },
		"timezone":        func(v *Version) { v.Spec.Timezone = "Europe//Berlin" },
		"signing.secrets": func(v *Version) { v.Spec.Signing.Secrets = []webhook.Secret{"!"} },
		"headers":         func(v *Version) { v.Unread = []Fault{{"headers", "unexpected EOF"}} },
	} {
		v := storedVersion(change)
		if err := v.Unusable(); err == nil || !strings.Contains(err.Error(), field+": ") {
			t.Errorf("%s: %v", field, err)
		}
	}
	for name, change := range map[string]func(*Version){
		"a plain one":    func(*Version) {},
		"a paused one":   func(v *Version) { v.Active = false },
		"many retries":   func(v *Version) { v.Spec.Retry.MaxRetries = 1_000_000 },
		"an old instant": func(v *Version) { v.Spec.StartAt = 1 },
		"other policies": func(v *Version) {
			v.Spec.Overlap, v.Spec.Misfire.Policy, v.Spec.Retry.Backoff = OverlapQueue, MisfireSkip, BackoffFixed
		},
		"a URL that is none": func(v *Version) { v.Spec.API = "::" }, // each call fails, and says so
	} {
		v := storedVersion(change)
		if err := v.Unusable(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestSpoil: a change that leaves what could not be read as it is does not pass,
// and names the field.
func TestSpoil(t *testing.T) {
	for field, named := range map[string]string{
		"method": "method", "tags": "tags", "headers": "headers", "secretHeaders": "secretHeaders", "body": "body",
		"signing":   "signing",
		"timeoutMs": "timeoutMs", "retry": "retry.", "overlap": "overlap", "misfire": "misfire.", "startAt": "startAt",
		"endAt":    "endAt",
		"jitterMs": "jitterMs", "dst": "dst.", "clientCertificate": "clientCertificate",
	} {
		v := storedVersion(func(*Version) {})
		if err := v.Spec.Spoil([]Fault{{field, "why"}}); err != nil {
			t.Errorf("%s: %v", field, err)
		}
		if err := v.Spec.Validate(); err == nil || !strings.Contains(err.Error(), named) {
			t.Errorf("%s passes: %v", field, err)
		}
	}
	v := storedVersion(func(*Version) {})
	if err := v.Spec.Spoil([]Fault{{"options", "why"}}); err == nil ||
		!strings.Contains(err.Error(), "delete the job") {
		t.Errorf("options: %v", err)
	}
}
