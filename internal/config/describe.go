package config

import (
	"log/slog"
	"strings"
)

// Effective is a setting with its value and the source of that value.
type Effective struct {
	Setting
	Value  string // secrets masked
	Source Source
}

// Describe returns all settings in the order of [Settings].
func (c *Config) Describe() []Effective {
	out := make([]Effective, 0, len(settings))
	for _, s := range settings {
		out = append(out, Effective{s, s.get(c), c.sources[s.Key]})
	}
	return out
}

// String returns one "key = value" line per setting, secrets masked.
func (c *Config) String() string {
	var b strings.Builder
	for _, e := range c.Describe() {
		b.WriteString(e.Key + " = " + e.Value + "\n")
	}
	return b.String()
}

// GoString returns the same as String, so that %#v shows no secret either.
func (c *Config) GoString() string { return c.String() }

// LogValue returns the settings as a group, secrets masked.
func (c *Config) LogValue() slog.Value {
	attrs := make([]slog.Attr, 0, len(settings))
	for _, e := range c.Describe() {
		attrs = append(attrs, slog.String(e.Key, e.Value))
	}
	return slog.GroupValue(attrs...)
}
