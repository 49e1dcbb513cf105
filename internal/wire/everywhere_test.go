package wire_test

import (
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// TestAFieldIsWhereItBelongs holds together what docs/adr/0022 lists: a field of a job is
// described, known to the client, and refused by name when what is stored of it cannot be
// read.
func TestAFieldIsWhereItBelongs(t *testing.T) {
	spec := names(reflect.TypeFor[domain.Spec]())
	document := append(slices.Clone(spec), "isActive", "pausedReason", "pausedUntil")
	slices.Sort(document)
	if described := names(reflect.TypeFor[wire.JobSpec]()); !slices.Equal(described, document) {
		t.Errorf("described are %v, a job has %v", described, document)
	}
	if known := names(reflect.TypeFor[client.Spec]()); !slices.Equal(known, spec) && !slices.Equal(known, document) {
		t.Errorf("the client knows %v, a job has %v", known, document)
	}
	for _, name := range spec {
		var s domain.Spec
		// text, always readable
		column := slices.Contains([]string{"schedule", "api", "type", "name", "namespace", "timezone"}, name)
		if err := s.Spoil([]domain.Fault{{Field: name}}); (err == nil) == column {
			t.Errorf("%s, when it cannot be read: %v", name, err)
		}
	}
}

// names returns the names of a struct's fields in JSON, sorted.
func names(typ reflect.Type) []string {
	var out []string
	for field := range typ.Fields() {
		name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
		out = append(out, name)
	}
	slices.Sort(out)
	return out
}
