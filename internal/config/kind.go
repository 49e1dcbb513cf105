package config

import (
	"fmt"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/webhook"
)

// Setting is one setting, with its name in each source.
type Setting struct {
	Key     string // in the file
	Env     string // environment variable; empty: none
	Flag    string // without the dashes; empty: none
	Kind    string // what the value is, in one word
	Default string
	Usage   string // one line
	Once    bool   // a flag only: to be said each time

	// set reads a raw value into the config and returns what would be right, or "" if the
	// value is valid. get formats the current value.
	set func(c *Config, raw string) string
	get func(c *Config) string
}

// Secret reports whether its value is never shown, only how many there are.
func (s *Setting) Secret() bool { return s.Kind == kindSecrets }

// Kinds that are handled specially.
const (
	kindBool    = "bool" // a flag of it needs no value
	kindSecrets = "list" // the values are never shown
	kindNames   = "names"
)

func flagName(key string) string { return strings.ReplaceAll(key, "_", "-") }

// masked prints how many secrets there are.
func masked[T Secret | webhook.Secret](secrets []T) string {
	if len(secrets) == 0 {
		return ""
	}
	return fmt.Sprintf("%s (%d)", mask, len(secrets))
}

// Limits of the settings, in the units of their values.
const (
	maxInFlightLimit = 1_000_000 // at 17 KB per waiting call: 17 GB
	minSession       = time.Minute
	minDeadman       = 5 * time.Second
	maxDeadman       = 24 * time.Hour
	maxSession       = 30 * 24 * time.Hour
	minRetention     = 24 * time.Hour
	maxRetention     = 3650 * 24 * time.Hour
	maxGrace         = time.Hour
	minBody          = 1 << 10
	maxBody          = 64 << 20
	minImport        = 1 << 20
	maxImport        = 1 << 30
	minKeyLength     = 16
	safeKeyLength    = 32 // access.SafeKeyLength; below it a setting has to say so
	maxKeyLength     = 256
	maxKeys          = 64
	encryptionKey    = 32 // bytes
	maxRateLimit     = 1_000_000
	minConnections   = 10
	maxConnections   = 100_000 // at 10 KiB each: 1 GB
	minConnRate      = 100
	maxConnRate      = 100_000
	defaultHost      = "127.0.0.1"
	defaultPort      = 3000
	defaultOpenHost  = "0.0.0.0" // with an API key
)
