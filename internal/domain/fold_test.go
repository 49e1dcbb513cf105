package domain

import (
	"strings"
	"testing"
	"unicode"
)

func TestFoldCase(t *testing.T) {
	for _, same := range []string{
		"Billing BILLING billing", "ÄPFEL äpfel Äpfel", "ΣΊΣΥΦΟΣ σίσυφος σίσυφοσ", "ОТЧЁТ отчёт Отчёт",
		"Ոստիկան ՈՍՏԻԿԱՆ",
		"Straße STRAẞE", "kelvin \u212aelvin", "ſee see SEE", "Ǆ ǅ ǆ", "𐐀 𐐨", "Ⅷ ⅷ", "日本 日本", "Ꭰ ꭰ", "ა Ა",
	} {
		words := strings.Fields(same)
		for _, word := range words[1:] {
			if FoldCase(word) != FoldCase(words[0]) {
				t.Errorf("%q and %q fold to %q and %q", words[0], word, FoldCase(words[0]), FoldCase(word))
			}
		}
	}
	for _, differ := range [][2]string{{"ä", "a"}, {"ß", "ss"}, {"ı", "i"}, {"İ", "i"}, {"İ", "ı"},
		{"é", "e"}, {"日", "月"}} {
		if FoldCase(differ[0]) == FoldCase(differ[1]) {
			t.Errorf("%q and %q are taken for one", differ[0], differ[1])
		}
	}
}

// TestFoldCaseOfEveryCharacter: it says of two characters what strings.EqualFold
// says, a second time it changes nothing, and ASCII becomes small letters.
func TestFoldCaseOfEveryCharacter(t *testing.T) {
	for r := rune(0); r <= unicode.MaxRune; r++ {
		one := string(r)
		folded := FoldCase(one)
		if FoldCase(folded) != folded || !strings.EqualFold(one, folded) {
			t.Fatalf("%U folds to %q", r, folded)
		}
		for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
			if FoldCase(string(next)) != folded {
				t.Fatalf("%U and %U fold apart", r, next)
			}
		}
		if r < 0x80 && folded != string(unicode.ToLower(r)) {
			t.Fatalf("%U folds to %q", r, folded)
		}
	}
}
