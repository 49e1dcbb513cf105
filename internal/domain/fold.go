package domain

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// FoldCase folds a text so that two texts that differ only in letter case become equal,
// in every script. It uses Unicode's simple folding, which maps one character to one
// character (Σ, σ and ς are one letter; ß is not ss, and the dotless ı of Turkish is not
// i). A search for text compares folded texts. For ASCII text, folding is conversion to
// lower case, which a store may do itself.
func FoldCase(text string) string {
	for i := range len(text) {
		if c := text[i]; c >= utf8.RuneSelf {
			return strings.Map(foldRune, text)
		}
	}
	return strings.ToLower(text)
}

// foldRune returns the smallest of the characters that differ only in case, or the
// lower-case letter if one of them is ASCII (K, k and the kelvin sign).
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
