package config

import (
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestAlertURLs(t *testing.T) {
	const canary = "T0KEN-0123456789"
	for raw, want := range map[string]int{
		"https://hooks.example.com/" + canary: 1, "https://a.example/x, http://b.example:8080/y": 2, " ": 0,
		"ftp://a.example/" + canary: -1, canary: -1, "https:///" + canary: -1,
		strings.Repeat("https://a.example,", 21):                                                           -1,
		"smtp://u:p@m.example/?from=a@b.example&to=c@b.example,d@b.example,https://a.example,,":            2,
		"discord://" + canary + "@1,telegram://" + canary + "@telegram?chats=@a\nntfy://ntfy.sh/" + canary: 3,
		"mqtt://" + canary: -1, "https://a.example, x" + canary: -1,
	} {
		c, err := places{environ: []string{"BELFRY_ALERT_URL=" + raw}}.load(t)
		switch {
		case err != nil && (want >= 0 || strings.Contains(err.Error(), canary)):
			t.Errorf("%s: %v", raw, err)
		case err == nil && len(c.AlertURLs) != want:
			t.Errorf("%s: %d URLs, want %d", raw, len(c.AlertURLs), want)
		}
	}
}

func TestPublicURL(t *testing.T) {
	for raw, want := range map[string]string{
		"https://belfry.example.com/": "https://belfry.example.com", "http://x:3000/belfry": "http://x:3000/belfry",
		"belfry.example.com": "error", "": "",
	} {
		c, err := places{environ: []string{"BELFRY_PUBLIC_URL=" + raw}}.load(t)
		if (err != nil) != (want == "error") || err == nil && c.PublicURL != want {
			t.Errorf("%q: %q, %v", raw, c.PublicURL, err)
		}
	}
}

// The schemes are those of which channels are made.
func TestAlertSchemes(t *testing.T) {
	if !slices.Equal(alertSchemes, domain.ChannelSchemes()) {
		t.Errorf("%v, but channels are made of %v", alertSchemes, domain.ChannelSchemes())
	}
}
