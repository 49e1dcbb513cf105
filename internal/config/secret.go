package config

import (
	"log/slog"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Secret is a text that must not be printed. Every usual way to print it gives
// a mask.
type Secret string

const mask = webhook.Mask

// Reveal returns the text itself, for the one place that compares it.
func (s Secret) Reveal() string { return string(s) }

// String returns a mask.
func (Secret) String() string { return mask }

// GoString returns a mask.
func (Secret) GoString() string { return mask }

// MarshalText returns a mask.
func (Secret) MarshalText() ([]byte, error) { return []byte(mask), nil }

// LogValue returns a mask.
func (Secret) LogValue() slog.Value { return slog.StringValue(mask) }
