package wire

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const (
	oneSecret   = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	otherSecret = "whsec_MTEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
)

// TestChangedNamesFields: each field that a change touches is named, and no other.
func TestChangedNamesFields(t *testing.T) {
	for want, change := range map[string]func(*domain.Version){
		"":                       func(*domain.Version) {},
		"isActive":               func(v *domain.Version) { v.Active = false },
		"name":                   func(v *domain.Version) { v.Spec.Name = "x" },
		"retry.delayMs":          func(v *domain.Version) { v.Spec.Retry.DelayMs++ },
		"dst.gap misfire.policy": func(v *domain.Version) { v.Spec.DST.Gap, v.Spec.Misfire.Policy = "SKIP", "SKIP" },
		"headers.X-A headers.X-C": func(v *domain.Version) {
			v.Spec.Headers = headers("X-A", "2", "X-B", "1", "X-C", "1")
		},
		"headers.X-B":             func(v *domain.Version) { v.Spec.Headers = headers("X-A", "1") },
		"headers.X-A headers.X-B": func(v *domain.Version) { v.Spec.Headers = nil },
		"tags":                    func(v *domain.Version) { v.Spec.Tags = nil },
		"endAt startAt":           func(v *domain.Version) { v.Spec.StartAt, v.Spec.EndAt = 0, 9 },
		"body":                    func(v *domain.Version) { v.Spec.Body = json.RawMessage(`{"a": 2}`) },
		"secretHeaders":           func(v *domain.Version) { v.Spec.SecretNames = []string{"X-Z"} },
		"api clientCertificate":   func(v *domain.Version) { v.Spec.API, v.Spec.ClientCertificate = "https://b/", "c" },
		"prepare tlsSkipVerify":   func(v *domain.Version) { v.Spec.Prepare, v.Spec.TLSSkipVerify = false, true },
		"jitterMs overlap timeoutMs": func(v *domain.Version) {
			v.Spec.JitterMs, v.Spec.Overlap, v.Spec.TimeoutMs = 1, domain.OverlapSkip, 7
		},
	} {
		before := someVersion()
		after := someVersion()
		change(&after)
		for _, secrets := range []bool{false, true} {
			equalText(t, changed(t, &before, &after, secrets), want)
			equalText(t, changed(t, &after, &before, secrets), want)
		}
	}
}

// TestChangedHidesGuesses: whoever may not know a secret is not told that two values are the same,
// nor that they differ.
func TestChangedHidesGuesses(t *testing.T) {
	before, after := someVersion(), someVersion()
	before.Spec.Headers = headers("X-Api-Key", "one", "X-A", "1")
	after.Spec.Headers = headers("X-Api-Key", "two", "X-A", "1")
	before.Spec.Signing.Secrets = []webhook.Secret{oneSecret}
	after.Spec.Signing.Secrets = []webhook.Secret{otherSecret}
	equalText(t, changed(t, &before, &after, false), "")
	equalText(t, changed(t, &before, &after, true), "headers.X-Api-Key signing.secrets")
	after.Spec.Headers = headers("X-A", "1")
	after.Spec.Signing.Secrets = append(after.Spec.Signing.Secrets, oneSecret)
	equalText(t, changed(t, &before, &after, false), "headers.X-Api-Key signing.secrets")
}

func changed(t *testing.T, before, after *domain.Version, secrets bool) string {
	t.Helper()
	names, err := Changed(before, after, secrets)
	if err != nil {
		t.Fatal(err)
	}
	return strings.Join(names, " ")
}

func equalText(t *testing.T, got, want string) {
	t.Helper()
	if got != want {
		t.Errorf("changed: %q, want %q", got, want)
	}
}

func headers(pairs ...string) map[string]string {
	all := map[string]string{}
	for i := 0; i < len(pairs); i += 2 {
		all[pairs[i]] = pairs[i+1]
	}
	return all
}

func someVersion() domain.Version {
	spec := domain.DefaultSpec()
	spec.Schedule, spec.API, spec.Type = "0 * * * * *", "https://a/", domain.AtLeastOnce
	spec.Headers, spec.Tags, spec.Body = headers("X-A", "1", "X-B", "1"), []string{"t"}, json.RawMessage(`{"a": 1}`)
	spec.StartAt = 5
	return domain.Version{Number: 1, Active: true, Spec: spec}
}
