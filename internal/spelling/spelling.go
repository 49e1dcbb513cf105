// Package spelling finds the known names that a user probably meant by an unknown one,
// for messages that ask "did you mean".
//
// # The one threshold
//
// Names are compared in a folded form, without letter case and separators, because people
// write these differently. A known name is near if it meets one of these rules. The first
// rule that any name meets decides, and the later ones are not tried.
//
//  1. The folded forms are equal.
//  2. The edit distance is at most a third of the letters of the known name; this limit is
//     at least 1 and at most 2. A letter that is added, missing or different, or two
//     neighbours that are swapped, count as 1. The limit depends on the length because short
//     names are similar by chance: the distance of host and port is 2.
//  3. The known name begins with the wrong name, which has at least 3 letters, and no other
//     known name does: hist for history.
//
// These packages use it: cli (commands), config (settings), wire (fields), domain (words
// of a field) and cron (time zones).
//
// # How this is shown
//
// Tests have a table of names with the names that are near to them (TestNearest), and
// check properties of the distance with random texts (TestDistance).
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

// Fold returns a name without letter case, separators and white space.
func Fold(name string) string {
	return strings.Map(func(r rune) rune {
		if r == '_' || r == '-' || r == '.' || unicode.IsSpace(r) {
			return -1
		}
		return unicode.ToLower(r)
	}, name)
}

// Nearest returns the known names that were probably meant by a wrong one, in the order
// of known: all that are equally near, or none. fold returns the form in which names are
// compared; nil means [Fold].
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

// allowed returns the greatest distance at which another name is near to a known one.
func allowed(name string) int { return min(max(len(name)/3, 1), maxDistance) }

// distance returns the optimal string alignment distance in bytes: the number of letters
// to change, add, leave out or swap with their neighbour to turn one name into the other.
// Names whose lengths differ by more than the threshold are not compared.
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
