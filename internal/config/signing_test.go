package config

import (
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const (
	signing1 = "whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"
	signing2 = "whsec_MDEyMzQ1Njc4OWFiY2RlZmdoaWprbG1ub3A="
)

func TestSigningSecrets(t *testing.T) {
	for name, tc := range map[string]struct{ raw, fault string }{
		"one":          {signing1, ""},
		"commas":       {signing1 + "," + signing2, ""},
		"spaces":       {"  " + signing1 + "  " + signing2 + " ", ""},
		"both":         {signing1 + " , " + signing2, ""},
		"three":        {signing1 + "," + signing2 + "," + signing1, "at most 2"},
		"twice":        {signing1 + "," + signing1, "the same"},
		"no secret":    {"hello", "secret 1 must be whsec_"},
		"second short": {signing1 + ",whsec_c2hvcnQ=", "secret 2 must be whsec_"},
		"a mask":       {"********", "secret 1 must be"},
		"nothing":      {" , ", "must be a secret"},
	} {
		c, err := places{environ: []string{"BELFRY_SIGNING_SECRET=" + tc.raw}}.load(t)
		switch {
		case tc.fault == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case tc.fault == "" && c.SigningSecrets[0].Reveal() != signing1:
			t.Errorf("%s: the first is not the first", name)
		case tc.fault != "" && (err == nil || !strings.Contains(err.Error(), tc.fault)):
			t.Errorf("%s: %v, want %s", name, err, tc.fault)
		case err != nil && strings.Contains(err.Error(), tc.raw):
			t.Errorf("%s: the fault shows it: %v", name, err)
		}
	}
	c := mustLoad(t, places{file: "signing_secret:\n  - " + signing1 + "\n  - " + signing2})
	if len(c.SigningSecrets) != 2 || c.SigningSecrets[1] != webhook.Secret(signing2) {
		t.Errorf("a list in a file: %d secrets", len(c.SigningSecrets))
	}
	if text := c.String(); !strings.Contains(text, "signing_secret = ******** (2)") ||
		strings.Contains(text, signing1) {
		t.Errorf("printed as %s", text)
	}
}
