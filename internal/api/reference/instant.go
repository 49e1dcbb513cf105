package reference

import (
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// Instant is an instant in the body of a request; zero: none.
type Instant int64

// Schema implements huma.SchemaProvider.
func (Instant) Schema(huma.Registry) *huma.Schema { return InstantSchema(wire.MaxInstantMs) }

// InstantSchema describes an instant in its two forms, Unix milliseconds up to most
// and RFC 3339.
func InstantSchema(most float64) *huma.Schema {
	least := float64(wire.MinInstantMs)
	return &huma.Schema{
		AnyOf: []*huma.Schema{
			{Type: "integer", Enum: []any{0}},
			{Type: "integer", Minimum: &least, Maximum: &most},
			{Type: "string", Format: "date-time"},
		},
		Examples: []any{1767225600000, "2026-01-01T00:00:00Z"},
	}
}
