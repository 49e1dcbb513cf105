package app

import "testing"

func TestMoreProcs(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name          string
		cores, chosen int
		said          string
		want          int
	}{
		{"two cores", 2, 2, "", 4},
		{"a container with a limit", 16, 2, "", 2},
		{"the operator's word", 2, 2, "2", 2},
		{"many cores", 64, 64, "", 66},
	} {
		if got := moreProcs(c.cores, c.chosen, c.said); got != c.want {
			t.Errorf("%s: %d, want %d", c.name, got, c.want)
		}
	}
}
