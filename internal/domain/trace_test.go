package domain

import "testing"

// TestTracedText: a character that was cut is left out, and nothing else that is no text is taken for some.
func TestTracedText(t *testing.T) {
	for _, c := range []struct {
		body string
		cut  bool
		want string
		ok   bool
	}{
		{"", false, "", true},
		{"grün", true, "grün", true},
		{"gr\xc3", true, "gr", true},
		{"gr\xc3", false, "gr\xc3", false},
		{"a\xf0\x9f\x99", true, "a", true}, // of an emoji of four bytes
		{"\xff\xfe\xfd\xfc", true, "\xff", false},
		{"\xffgrün", true, "\xffgr\xc3\xbc", false},
	} {
		m := TracedMessage{Body: []byte(c.body), Cut: c.cut}
		got, ok := m.Text()
		if ok != c.ok || ok && got != c.want || string(m.Body) != c.body {
			t.Errorf("%q, cut %t: %q %t", c.body, c.cut, got, ok)
		}
	}
}
