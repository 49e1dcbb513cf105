package wire

import (
	"encoding/json"
	"reflect"
	"slices"
	"testing"
)

// TestUnchanged: which members of a document say what they said when it was
// read.
func TestUnchanged(t *testing.T) {
	const now = 1_000_000
	for _, row := range []struct {
		name, was, is string
		want          bool
	}{
		{"id", `"0192f0c1"`, `"0192f0c1"`, true},
		{"id", `"0192F0C1"`, `"0192f0c1"`, true},
		{"id", `"0192f0c2"`, `"0192f0c1"`, false},
		{"id", `1`, `"1"`, false},
		{"createdAt", `5000.0`, `5000`, true},
		{"createdAt", `5e3`, `5000`, true},
		{"createdAt", `5001`, `5000`, false},
		{"createdAt", `"5000"`, `5000`, false},
		{"updatedAt", `999999`, `999998`, false}, // does not move on by itself
		{"error", `"x"`, `"x"`, true},
		{"error", `"x"`, `null`, false},
		{"nextFireAt", `1000001`, `1000001`, true},
		{"nextFireAt", `1000000`, `1060000`, true}, // it has passed
		{"nextFireAt", `1000002`, `1000001`, false},
		{"nextFireAt", `1000002`, `null`, false},
		{"nextFireAt", `0`, `1000001`, false},
		{"nextFireAt", `999999.5`, `1000001`, false},
		{"nextFireAt", `"999999"`, `1000001`, false},
	} {
		var was, is any
		if json.Unmarshal([]byte(row.was), &was) != nil || json.Unmarshal([]byte(row.is), &is) != nil {
			t.Fatal(row)
		}
		if got := unchanged(row.name, was, is, now); got != row.want {
			t.Errorf("%s %s of %s: %v", row.name, row.was, row.is, got)
		}
	}
}

// TestReadOnlyMembers: what is described as read-only is what a change is held to, and is in the document of a job.
func TestReadOnlyMembers(t *testing.T) {
	for typ, names := range map[reflect.Type][]string{
		reflect.TypeFor[ReadOnly](): append(slices.Clone(besideJob), readOnlyMembers...),
		reflect.TypeFor[Job](): append([]string{"spec", "isActive", "pausedReason", "pausedUntil"},
			readOnlyMembers...),
	} {
		if want := slices.Sorted(slices.Values(names)); !slices.Equal(membersOf(typ), want) {
			t.Errorf("%v has %v, want %v", typ, membersOf(typ), want)
		}
	}
}
