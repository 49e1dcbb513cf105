package rows

import "unique"

// sharedMost bounds what one reader remembers: few values are common, if any.
const sharedMost = 1_000

// Shared makes one string of all equal ones, for columns of which many rows have the same.
// The zero Shared is ready.
type Shared struct{ known map[string]string }

// Of returns the string of a column's bytes.
func (s *Shared) Of(column []byte) string {
	if known, ok := s.known[string(column)]; ok {
		return known
	}
	value := unique.Make(string(column)).Value()
	if s.known == nil || len(s.known) >= sharedMost {
		s.known = make(map[string]string)
	}
	s.known[value] = value
	return value
}
