package charset

import (
	"encoding/binary"
	"strings"
	"testing"
	"unicode/utf16"

	"pgregory.net/rapid"
)

func in16(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, unit := range utf16.Encode([]rune(text)) {
		out = order.AppendUint16(out, unit)
	}
	return string(out)
}

func in32(order binary.AppendByteOrder, text string) string {
	var out []byte
	for _, r := range text {
		out = order.AppendUint32(out, uint32(r))
	}
	return string(out)
}

func TestForeign(t *testing.T) {
	little, big := binary.LittleEndian, binary.BigEndian
	for _, text := range []string{"{}", "[", `{"name":"ü"}`, "PORT=3000\n", "port: 3000", "#", "\n{"} {
		for name, row := range map[string]struct{ data, want string }{
			"UTF-8":           {text, ""},
			"UTF-8 marked":    {mark + text, ""},
			"UTF-16LE":        {in16(little, text), "UTF-16 (little endian)"},
			"UTF-16LE marked": {in16(little, "\ufeff"+text), "UTF-16 (little endian)"},
			"UTF-16BE":        {in16(big, text), "UTF-16 (big endian)"},
			"UTF-16BE marked": {in16(big, "\ufeff"+text), "UTF-16 (big endian)"},
			"UTF-32LE":        {in32(little, text), "UTF-32 (little endian)"},
			"UTF-32LE marked": {in32(little, "\ufeff"+text), "UTF-32 (little endian)"},
			"UTF-32BE":        {in32(big, text), "UTF-32 (big endian)"},
			"UTF-32BE marked": {in32(big, "\ufeff"+text), "UTF-32 (big endian)"},
		} {
			if got := Foreign([]byte(row.data)); got != row.want {
				t.Errorf("%q in %s: %q, want %q", text, name, got, row.want)
			}
			if head := row.data[:min(len(row.data), HeadSize)]; Foreign([]byte(head)) != row.want {
				t.Errorf("%q in %s: its first bytes %q say something else", text, name, head)
			}
		}
	}
	for data, want := range map[string]string{
		"": "", "\x00": "", "a": "", "\xff": "", "\xef\xbb": "", "P": "", "PK": "",
		"\x1f\x8b\x08\x00": "compressed with gzip", "\x28\xb5\x2f\xfd\x04": "compressed with zstd",
		"PK\x03\x04": "a zip archive", "\xfd7zXZ\x00": "compressed with xz",
	} {
		if got := Foreign([]byte(data)); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}

// TestTextIsNeverForeign: no text without control characters is taken for
// anything else.
func TestTextIsNeverForeign(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Map(func(r rune) rune {
			if r < ' ' {
				return ' '
			}
			return r
		}, rapid.String().Draw(t, "text"))
		if got := Foreign([]byte(text)); got != "" {
			t.Fatalf("%q is %q", text, got)
		}
	})
}

func TestTrim(t *testing.T) {
	for data, want := range map[string]string{"": "", mark: "", mark + "a": "a", "a" + mark: "a" + mark,
		mark + mark: mark, "\xef\xbb": "\xef\xbb"} {
		if got := string(Trim([]byte(data))); got != want {
			t.Errorf("%q: %q, want %q", data, got, want)
		}
	}
}

func TestInvisible(t *testing.T) {
	for _, text := range []string{"", "invoices of May", "Größe <b>", "請求書", "עברית", "فارسی",
		"a\u00a0b", "e\u0301"} {
		if r, found := Invisible(text); found {
			t.Errorf("%q: %U", text, r)
		}
	}
	for _, r := range "\x00\t\n\r\x7f\u0080\u0085\u009f\u00ad\u034f\u061c\u115f\u180e\u200b\u200c\u200d\u200e\u200f" +
		"\u2028\u2029\u202a\u202e\u2060\u2064\u2066\u2069\u2800\u3164\ufeff\uffa0\ufff9\U000e0001\U000e0041" {
		if got, found := Invisible("a" + string(r) + "b"); !found || got != r {
			t.Errorf("%U: %U, %t", r, got, found)
		}
	}
}
