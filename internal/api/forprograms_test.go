package api

import (
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// wantFieldsForPrograms asserts that each field has a code, and that no sentence begins
// with the name of its field, since whoever shows it puts the name before it.
func wantFieldsForPrograms(t testing.TB, fields []FieldProblem) {
	t.Helper()
	for _, f := range fields {
		if f.Code == domain.FieldInvalid || !slices.ContainsFunc(domain.FieldCodes,
			func(c domain.FieldCodeMeaning) bool { return c.Code == f.Code }) {
			t.Errorf("%s %s: the code is %q", f.Field, f.Message, f.Code)
		}
		name := f.Field[strings.LastIndexByte(f.Field, '.')+1:]
		for _, named := range []string{f.Field, name} {
			rest, again := strings.CutPrefix(f.Message, named)
			if again && named != "" && (rest == "" || strings.ContainsAny(rest[:1], " :,.")) {
				t.Errorf("%s is named twice: %s", f.Field, f.Message)
			}
		}
	}
}
