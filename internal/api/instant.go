package api

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// Instants are taken in two forms wherever there is one: Unix milliseconds and
// RFC 3339. Answers have milliseconds. Which numbers are none, because they are
// of another unit, is for [wire.DecodeInstant] and [wire.ParseInstant] to say.

// instantParam is an instant in a query: the end of a range.
type instantParam string

// Schema implements huma.SchemaProvider.
func (instantParam) Schema(huma.Registry) *huma.Schema {
	s := reference.InstantSchema(wire.MaxParameterMs)
	s.Description = "Unix milliseconds, or RFC 3339."
	return s
}

func (p instantParam) parse(name string, def int64) (int64, error) {
	if strings.TrimSpace(string(p)) == "" {
		return def, nil
	}
	ms, fault := wire.ParseInstant(string(p))
	if fault != "" {
		return 0, kindMalformed.fieldAs(wire.CodeOfInstant([]byte(p)), name, fault, string(p))
	}
	return ms, nil
}

// checkRange refuses a range that ends before it begins. The fault is about its
// end.
func checkRange(from, to int64, end instantParam) error {
	if to < from {
		return kindMalformed.fieldAs(domain.FieldContradiction, "to", "must not be before from", string(end))
	}
	return nil
}
