package config

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/egress"
)

// TestEgressFollowsTheAddress: a server that others reach does not call private
// networks unless its operator says so.
func TestEgressFollowsTheAddress(t *testing.T) {
	for name, tc := range map[string]struct {
		p    places
		want egress.Mode
	}{
		"nothing said":       {places{}, egress.Private},
		"localhost":          {places{flags: []string{"--host=localhost"}}, egress.Private},
		"IPv6 loopback":      {places{flags: []string{"--host=::1"}}, egress.Private},
		"keys":               {places{environ: []string{"BELFRY_API_KEYS=" + key1}}, egress.Public},
		"keys on loopback":   {places{environ: []string{"BELFRY_API_KEYS=" + key1, "HOST=127.0.0.1"}}, egress.Private},
		"open to everybody":  {places{flags: []string{"--host=0.0.0.0", "--insecure-no-auth"}}, egress.Public},
		"the operator knows": {places{environ: []string{"BELFRY_API_KEYS=" + key1}, file: "egress: private"}, egress.Private},
		"strict at home":     {places{dotEnv: "BELFRY_EGRESS=public"}, egress.Public},
	} {
		if got := mustLoad(t, tc.p).Egress; got != tc.want {
			t.Errorf("%s: %s, want %s", name, got, tc.want)
		}
	}
}

// TestEgressListsInAFile: a list, or a text.
func TestEgressListsInAFile(t *testing.T) {
	for _, doc := range []string{
		"egress_allow: [10.0.0.0/8, \"*.internal:443\", \":8080\"]",
		"egress_allow:\n  - 10.0.0.0/8\n  - '*.internal:443'\n  - :8080\n",
		"egress_allow: 10.0.0.0/8, *.internal:443, :8080",
	} {
		if got := mustLoad(t, places{file: doc}).EgressAllow.String(); got != "10.0.0.0/8, *.internal:443, :8080" {
			t.Errorf("%q: %s", doc, got)
		}
	}
}
