package cluster_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/cluster"
)

// TestFingerprintsTellWhatDiffers: parts are compared one by one, under a key that both nodes have.
func TestFingerprintsTellWhatDiffers(t *testing.T) {
	t.Parallel()
	before, next, another := []byte("before"), []byte("next"), []byte("another")
	keys := func(keys ...[]byte) [][]byte { return keys }
	parts := map[string][]string{"egress": {"public", "", "10.0.0.1"}, "signing": {"secret"}, "retention": nil}
	one := cluster.NewFingerprint(keys(before), parts)
	for name, c := range map[string]struct {
		keys  [][]byte
		parts map[string][]string
		want  []string
	}{
		"the same":               {keys(before), parts, nil},
		"while keys are changed": {keys(next, before), parts, nil},
		"no key in common":       {keys(another), map[string][]string{"egress": {"any"}}, nil},
		"one says less":          {keys(before), map[string][]string{"signing": {"secret"}}, nil},
		"another secret":         {keys(next, before), map[string][]string{"signing": {"other"}}, []string{"signing"}},
		"none": {keys(before), map[string][]string{"signing": {}, "egress": nil, "retention": {"1h"}},
			[]string{"egress", "retention", "signing"}},
		"in another place": {keys(before), map[string][]string{"egress": {"public", "10.0.0.1", ""}},
			[]string{"egress"}},
		"cut elsewhere": {keys(before), map[string][]string{"egress": {"public", "", "10.0", ".0.1"}},
			[]string{"egress"}},
		"under another name": {keys(before), map[string][]string{"egress": {"secret"}, "other": {"public"}},
			[]string{"egress"}},
	} {
		other := cluster.ParseFingerprint(cluster.NewFingerprint(c.keys, c.parts).String())
		if got := one.Unlike(other); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
		if got := other.Unlike(one); !slices.Equal(got, c.want) {
			t.Errorf("%s, the other way: %q, want %q", name, got, c.want)
		}
	}
	for _, text := range []string{"", "null", "{", `{"egress":"of tomorrow"}`, `[1]`} {
		if got := one.Unlike(cluster.ParseFingerprint(text)); got != nil {
			t.Errorf("%q: %q", text, got)
		}
	}
	if text := one.String(); strings.Contains(text, "secret") || strings.Contains(text, "public") {
		t.Errorf("it shows a setting: %s", text)
	}
}
