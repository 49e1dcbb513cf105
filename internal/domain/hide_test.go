package domain

import (
	"fmt"
	"strings"
	"testing"
)

// TestRefusalsHideSecrets: what is refused is not repeated where it may be a
// password, a token or the value of a header.
func TestRefusalsHideSecrets(t *testing.T) {
	for raw, want := range map[string]string{
		"http://user:pw@example.com/":     "http://" + Mask + "@example.com/",
		"user:pw@example.com/":            Mask + "@example.com/",
		"//user:pw@example.com/":          Mask + "@example.com/",
		"http://user:p/w@example.com/":    "http://" + Mask + "@example.com/",
		"http://user:p@w@example.com/":    "http://" + Mask + "@example.com/",
		"ftp://token@example.com/":        "ftp://" + Mask + "@example.com/",
		"token@example.com":               Mask + "@example.com",
		"http://user:pw%zz@h/x?y=http://": "http://" + Mask + "@h/x?y=http://",
		"https://example.com/@me":         "https://example.com/@me",
		"example.com/hook":                "example.com/hook",
	} {
		if got := withoutUser(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
	for raw, want := range map[string]string{"X A": "X...", "Authorization: Bearer x": "Authorization...",
		"A=b": "A...", "é": "é", "": ""} {
		if got := nameAlone(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
	for raw, want := range map[string]string{
		"/keys/bel_k7x2mq4a_SECRET":      "/keys/bel_k7x2mq4a_" + Mask,
		"/bel_a_B/bel_c_D?x=bel_e_F&y=1": "/bel_a_" + Mask + "/bel_c_" + Mask + "?x=bel_e_" + Mask + "&y=1",
		"/keys/k7x2mq4a":                 "/keys/k7x2mq4a",
		"/jobs/bel_":                     "/jobs/bel_",
		// what follows the next _ is as good as a secret
		"/jobs/bel_x/label_y_z":                 "/jobs/bel_x/label_" + Mask,
		"/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f809": "/jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f809",
	} {
		if got := MaskKeys(raw); got != want {
			t.Errorf("%s: %s, want %s", raw, got, want)
		}
	}
	key, _ := NewAPIKey()
	if got := MaskKeys(key); len(got) != len(keyPrefix)+keyIDLength+1+len(Mask) {
		t.Errorf("%s of a key", got)
	}
	for _, api := range []string{
		"http://u:canary@example.com/", "u:canary@example.com/", "u:canary@example.com:80/", "//u:canary@h/x",
		"http//u:canary@h.example/", "ftp://u:canary@h/",
		"http://u:canary%zz@h/", "http://u:canary@h:99999/", "http://u:canary@exa mple.com/", "http://u:can/canary@h/",
		"http:/u:canary@h/", "u:canary@localhost:80",
	} {
		s := DefaultSpec()
		s.Schedule, s.API, s.Type = "@hourly", api, AtLeastOnce
		s.Headers = map[string]string{"Authorization: canary": "x", "X-Key": "canary\x01"}
		s.SecretNames = []string{"X-Other: canary"}
		err := s.Validate()
		if err == nil {
			t.Errorf("%s is taken", api)
			continue
		}
		if text := fmt.Sprintf("%v %#v", err, err); strings.Contains(text, "canary") {
			t.Errorf("%s: %s", api, text)
		}
	}
}
