package domain

import "testing"

func TestSentElsewhere(t *testing.T) {
	t.Parallel()
	const before = "https://api.example.com/v1"
	for after, want := range map[string]string{
		before: "", "https://api.example.com/v2?x=1": "", "https://API.example.com:443/": "",
		"https://api.example.com./": "api",
		"http://api.example.com/v1": "api", "https://api.example.com:8443/v1": "api", "https://example.com/v1": "api",
		"https://api.example.com.evil.example/v1": "api", "https://evil.example/api.example.com": "api",
		"nothing": "api",
	} {
		if got := SentElsewhere(&Spec{API: before}, &Spec{API: after}); got != want {
			t.Errorf("%s: %q, want %q", after, got, want)
		}
	}
	if got := SentElsewhere(&Spec{API: "nothing"}, &Spec{API: "nothing else"}); got != "api" {
		t.Errorf("of what is no URL: %q", got)
	}
	for _, tc := range []struct {
		before, after bool
		want          string
	}{{false, true, "tlsSkipVerify"}, {true, true, ""}, {true, false, ""}, {false, false, ""}} {
		got := SentElsewhere(&Spec{API: before, TLSSkipVerify: tc.before}, &Spec{API: before, TLSSkipVerify: tc.after})
		if got != tc.want {
			t.Errorf("verification off %t, then %t: %q", tc.before, tc.after, got)
		}
	}
}
