package wire

import (
	"fmt"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// suggest returns `; did you mean "x"?` for a name that differs from a known
// one in case, in separators, or by one or two letters.
func suggest(name string, known []string) string {
	fold := func(s string) string {
		return strings.NewReplacer("_", "", "-", "").Replace(strings.ToLower(s))
	}
	for _, k := range known {
		if fold(k) == fold(name) || editDistance(fold(k), fold(name)) <= len(k)/4 {
			return fmt.Sprintf("; did you mean %q?", k)
		}
	}
	return ""
}

// editDistance is the Levenshtein distance (Wagner and Fischer 1974), in bytes.
func editDistance(a, b string) int {
	if len(a) > domain.MaxNameLength || len(b) > domain.MaxNameLength {
		return domain.MaxNameLength
	}
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			diagonal, row[j+1] = row[j+1], min(row[j+1]+1, row[j]+1, diagonal+cost)
		}
	}
	return row[len(b)]
}
