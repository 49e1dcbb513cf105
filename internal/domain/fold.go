package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FoldCase writes a text so that two texts which differ in the case of letters
// alone become equal, in every script: Unicode's simple folding, of one
// character to one (Σ, σ and ς are one letter; ß is not ss, and the dotless ı of
// Turkish is not i). It is what a search for text compares. A text in ASCII
// becomes its small letters, which a store may make by itself.
func FoldCase(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf {
			return strings.Map(foldRune, text)
		}
	}
	return strings.ToLower(text)
}

// foldRune returns the least of the characters that differ in case alone, and
// the small letter if that is one of ASCII (K, k and the sign of kelvin).
func foldRune(r rune) rune {
	if r < utf8.RuneSelf {
		return unicode.ToLower(r)
	}
	least := r
	for next := unicode.SimpleFold(r); next != r; next = unicode.SimpleFold(next) {
		least = min(least, next)
	}
	if least < utf8.RuneSelf {
		return unicode.ToLower(least)
	}
	return least
}
