package wire

import (
	"encoding/json"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestHalfCharacter(t *testing.T) {
	for raw, want := range map[string]bool{
		`""`: false, `"a"`: false, `"\n\\"`: false, `"\u00e4"`: false, `"\ud83d\ude00"`: false,
		`"\uD83D\uDE00x\ud83d\ude00"`: false,
		`"\ufffd"`:                    false, `"�"`: false, `"\ue000\ud7ff"`: false, `"\\ud83d"`: false,
		`"\\\\ud83d"`:   false,
		`"\\\\\\ud800"`: false,
		`"\ud83d"`:      true, `"\ude00"`: true, `"\ude00\ud83d"`: true, `"\ud83d\ud83d\ude00"`: true,
		`"\ud83d x\ude00"`: true, `"\ud83d\n"`: true,
		`"\\\ud800"`: true, `"\ud83d\\ude00"`: true, `"\uDBFF"`: true, `"\udc00"`: true, `"\udfff"`: true,
		`"\ud800\udc00\udc00"`: true, `"\`: false, `"\u`: false, `"\ud8`: false,
	} {
		if got := HalfCharacter([]byte(raw)); got != want {
			t.Errorf("%s: %v, want %v", raw, got, want)
		}
	}
}

// TestHalfCharacterAgainstTheDecoder: what encoding/json replaces, and nothing
// else, is half of a character.
func TestHalfCharacterAgainstTheDecoder(t *testing.T) {
	parts := []string{`\ud83d`, `\ude00`, `\udbff`, `\udc00`, `\\`, `\u0041`, `\ue000`, `\n`, `u`,
		`d800`, `x`, `ä`, "😀"}
	rapid.Check(t, func(t *rapid.T) {
		raw := `"` + strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 12).Draw(t, "parts"), "") + `"`
		var text string
		if err := json.Unmarshal([]byte(raw), &text); err != nil {
			t.Fatal(err)
		}
		if got, want := HalfCharacter([]byte(raw)), strings.ContainsRune(text, '�'); got != want {
			t.Fatalf("%s: %v, want %v", raw, got, want)
		}
	})
}
