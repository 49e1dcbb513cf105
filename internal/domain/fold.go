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

// sortNameLength is how many characters of a name decide about its place in an order of names.
const sortNameLength = 100

// SortName returns what an order of names compares, byte by byte: the first characters of a name with the letters A
// to Z in lower case. All other letters are as they are, and come in the order of Unicode's code points. A database
// computes the same by itself and without a locale, so that the servers of different builds agree.
func SortName(name string) string {
	count := 0
	for i := range name {
		if count++; count > sortNameLength {
			name = name[:i]
			break
		}
	}
	lower := []byte(name)
	for i, c := range lower {
		if 'A' <= c && c <= 'Z' {
			lower[i] = c + 'a' - 'A'
		}
	}
	return string(lower)
}
