package wire

import (
	"encoding/json"

	"github.com/belfry-scheduler/belfry/internal/cron"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// nested makes a specField of an object that is merged field by field.
func nested[T any](get func(*domain.SpecDoc) *T, members map[string]specField) specField {
	f := field(get)
	f.members = members
	return f
}

var specFields = map[string]specField{
	"schedule":      trimmed(func(d *domain.SpecDoc) *string { return &d.Schedule }),
	"api":           targetField(),
	"type":          field(func(d *domain.SpecDoc) *domain.Guarantee { return &d.Type }),
	"name":          trimmed(func(d *domain.SpecDoc) *string { return &d.Name }),
	"namespace":     field(func(d *domain.SpecDoc) *string { return &d.Namespace }),
	"tags":          tagsField(),
	"timezone":      trimmed(func(d *domain.SpecDoc) *string { return &d.Timezone }),
	"method":        field(func(d *domain.SpecDoc) *string { return &d.Method }),
	"headers":       field(func(d *domain.SpecDoc) *map[string]string { return &d.Headers }),
	"secretHeaders": field(func(d *domain.SpecDoc) *[]string { return &d.SecretNames }),
	"body":          field(func(d *domain.SpecDoc) *json.RawMessage { return &d.Body }),
	"timeoutMs":     field(func(d *domain.SpecDoc) *int64 { return &d.TimeoutMs }),
	"retry": nested(func(d *domain.SpecDoc) *domain.Retry { return &d.Retry }, map[string]specField{
		"maxRetries": field(func(d *domain.SpecDoc) *int { return &d.Retry.MaxRetries }),
		"delayMs":    field(func(d *domain.SpecDoc) *int64 { return &d.Retry.DelayMs }),
		"backoff":    field(func(d *domain.SpecDoc) *domain.Backoff { return &d.Retry.Backoff }),
		"maxDelayMs": field(func(d *domain.SpecDoc) *int64 { return &d.Retry.MaxDelayMs }),
	}),
	"overlap": field(func(d *domain.SpecDoc) *domain.OverlapPolicy { return &d.Overlap }),
	"misfire": nested(func(d *domain.SpecDoc) *domain.Misfire { return &d.Misfire }, map[string]specField{
		"policy":   field(func(d *domain.SpecDoc) *domain.MisfirePolicy { return &d.Misfire.Policy }),
		"maxAgeMs": field(func(d *domain.SpecDoc) *int64 { return &d.Misfire.MaxAgeMs }),
		"maxRuns":  field(func(d *domain.SpecDoc) *int { return &d.Misfire.MaxRuns }),
	}),
	"startAt":  instantField(func(d *domain.SpecDoc) *int64 { return &d.StartAt }),
	"endAt":    instantField(func(d *domain.SpecDoc) *int64 { return &d.EndAt }),
	"jitterMs": field(func(d *domain.SpecDoc) *int64 { return &d.JitterMs }),
	"dst": nested(func(d *domain.SpecDoc) *domain.DST { return &d.DST }, map[string]specField{
		"gap":  word(func(d *domain.SpecDoc) *cron.Gap { return &d.DST.Gap }, "AFTER, SKIP or BEFORE"),
		"fold": word(func(d *domain.SpecDoc) *cron.Fold { return &d.DST.Fold }, "FIRST, SECOND or BOTH"),
	}),
	"tlsSkipVerify": field(func(d *domain.SpecDoc) *bool { return &d.TLSSkipVerify }),
	"signing": nested(func(d *domain.SpecDoc) *domain.Signing { return &d.Signing }, map[string]specField{
		"secrets": secretsField(),
	}),
	"clientCertificate": trimmed(func(d *domain.SpecDoc) *string { return &d.ClientCertificate }),
	"isActive":          field(func(d *domain.SpecDoc) *bool { return &d.IsActive }),
}
