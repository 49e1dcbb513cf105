// Package spelling finds the names that were probably meant by one that is not
// known, for the question "did you mean" of a message.
//
// # The one threshold
//
// Two names are compared in a folded form, which leaves out what people vary: letter
// case and separators. A known name is near if one of these holds; the first that
// any name meets decides.
//
//  1. It is the same in that form.
//  2. It is at most a third of its letters away, but at least 1 and at most 2. One
//     letter more, less or different, or two neighbours swapped, is a distance of 1.
//     Short names are near to each other by chance: host and port are 2 apart.
//  3. It begins with the wrong name, which has 3 letters or more, and no other known
//     name does: hist for history.
//
// The command line (commands), config (settings), wire (fields), domain (words of a
// field) and cron (time zones) all ask here.
//
// # How this is shown
//
// A table of names with what is near to them (TestNearest), and properties of the
// distance over random texts (TestDistance).
package spelling

import (
	"slices"
	"strings"
	"unicode"
)

const (
	maxLength   = 64 // bytes of a folded name; the distance takes the square of it, 4,096 steps
	maxDistance = 2
	minPrefix   = 3
)

// Fold returns a name without what people vary in it: letter case, separators and
// white space.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// Nearest returns the known names that were probably meant by a wrong one, in the
// order in which they are given: all that are equally near, none if nothing is near.
// The names are compared as fold writes them; nil means [Fold].
func Nearest(wrong string, known []string, fold func(string) string) []string {
	if fold == nil {
		fold = Fold
	}
	if len(wrong) <= 2*maxLength { // a name with separators may be longer than what is compared
		wrong = fold(wrong)
	}
	if len(wrong) > maxLength {
		return nil
	}
	var near, begin []string
	best := maxDistance
	for _, name := range known {
		folded := fold(name)
		if len(folded) > maxLength {
			continue
		}
		if len(wrong) >= minPrefix && strings.HasPrefix(folded, wrong) {
			begin = append(begin, name)
		}
		d := distance(wrong, folded)
		if d > min(best, allowed(folded)) {
			continue
		}
		if d < best {
			best, near = d, nil
		}
		near = append(near, name)
	}
	if near == nil && len(begin) == 1 {
		return begin
	}
	return slices.Clip(near)
}

// allowed is how far from a known name another may be to be near.
func allowed(name string) int { return min(max(len(name)/3, 1), maxDistance) }

// distance counts the letters to change, add, leave out or swap with their
// neighbour to make one name the other, in bytes: the optimal string alignment
// distance. Names whose lengths are further apart than any name that is near are not
// compared.
func distance(a, b string) int {
	if gap := max(len(a)-len(b), len(b)-len(a)); gap > maxDistance {
		return gap
	}
	var rows [3][maxLength + 1]int
	before, row, next := &rows[0], &rows[1], &rows[2]
	for j := range len(b) + 1 {
		row[j] = j
	}
	for i := range len(a) {
		next[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		before, row, next = row, next, before
	}
	return row[len(b)]
}
