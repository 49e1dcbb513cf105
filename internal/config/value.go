package config

import (
	"encoding/base64"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// hostName is the shape of a DNS name: labels of letters, digits and inner
// hyphens (RFC 1123, section 2.1). Underscores are seen in container networks.
var hostName = regexp.MustCompile(
	`^[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?)*$`)

// apiKey is the alphabet of a bearer token (RFC 6750, section 2.1).
var apiKey = regexp.MustCompile(`^[A-Za-z0-9._~+/-]+=*$`)

func setHost(c *Config, raw string) string {
	_, err := netip.ParseAddr(raw)
	if err != nil && (len(raw) > 253 || !hostName.MatchString(raw) || allDigits(raw)) {
		return "must be an IP address or a host name, as in 127.0.0.1, ::1 or localhost; the port is a " +
			"setting of its own"
	}
	c.Host = raw
	return ""
}

// allDigits matches 127.0.0 and 8080, which have the form of names.
func allDigits(s string) bool { return strings.Trim(s, "0123456789.") == "" }

func setDBPath(c *Config, raw string) string {
	if msg := badDatabasePath(raw); msg != "" {
		return msg
	}
	c.DBPath = raw
	return ""
}

func setLogDir(c *Config, raw string) string {
	if msg := badPath(raw); msg != "" {
		return msg
	}
	c.LogDir = raw
	return ""
}

// setAPIKeys reads keys separated by commas. Its messages count the keys and
// never show one.
func setAPIKeys(c *Config, raw string) string {
	var keys []Secret
	for i, key := range strings.Split(raw, ",") {
		key = strings.TrimSpace(key)
		where := fmt.Sprintf("key %d", i+1)
		switch {
		case len(key) < minKeyLength || len(key) > maxKeyLength:
			return fmt.Sprintf("%s has %d characters: must be from %d to %d, as `openssl rand -hex 24` makes them",
				where, len(key), safeKeyLength, maxKeyLength)
		case !apiKey.MatchString(key):
			return where + " holds a character that a bearer token cannot: must be letters, digits and - . _ ~ + /"
		case slices.Contains(keys, Secret(key)):
			return where + " is there twice"
		case len(keys) == maxKeys:
			return fmt.Sprintf("must be at most %d keys", maxKeys)
		}
		keys = append(keys, Secret(key))
	}
	c.APIKeys = keys
	return ""
}

// setEncryptionKeys reads keys in base64 separated by commas. Its messages
// count the keys and never show one.
func setEncryptionKeys(c *Config, raw string) string {
	var keys []Secret
	for i, text := range strings.Split(raw, ",") {
		text = strings.TrimSpace(text)
		where := fmt.Sprintf("key %d", i+1)
		bytes, err := base64.StdEncoding.Strict().DecodeString(text)
		switch {
		case err != nil || len(bytes) != encryptionKey:
			return fmt.Sprintf("%s must be %d bytes in base64, as `openssl rand -base64 %d` makes them", where,
				encryptionKey, encryptionKey)
		case slices.Contains(keys, Secret(text)):
			return where + " is there twice"
		case len(keys) == maxKeys:
			return fmt.Sprintf("must be at most %d keys", maxKeys)
		}
		keys = append(keys, Secret(text))
	}
	c.EncryptionKeys = keys
	return ""
}

const day = 24 * time.Hour

// parseDuration reads what time.ParseDuration does, with whole days before it:
// 30d, 1d12h, 90s.
func parseDuration(s string) (time.Duration, bool) {
	var total time.Duration
	if days, rest, ok := strings.Cut(s, "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return 0, false
		}
		total, s = time.Duration(n)*day, rest
		if s == "" {
			return total, true
		}
		if s[0] == '-' || s[0] == '+' {
			return 0, false
		}
	}
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || total+d < total {
		return 0, false
	}
	return total + d, true
}

// ParseDuration reads a duration as the settings have it: 90s, 36h, 30d.
func ParseDuration(s string) (time.Duration, bool) { return parseDuration(s) }

// formatDuration prints a duration in the form that parseDuration reads,
// without the zero parts that time.Duration.String adds.
func formatDuration(d time.Duration) string {
	if d >= day && d%day == 0 {
		return strconv.Itoa(int(d/day)) + "d"
	}
	s := d.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}

// sizeUnits are binary, from small to large. Decimal units (kB, MB) are refused, because
// programs do not agree on their meaning.
var sizeUnits = []struct {
	name  string
	bytes int64
}{{"B", 1}, {"KiB", 1 << 10}, {"MiB", 1 << 20}, {"GiB", 1 << 30}}

func parseSize(s string) (int64, bool) {
	digits := strings.TrimRight(s, "BKMGibkmg ")
	unit := strings.TrimSpace(s[len(digits):])
	n, err := strconv.ParseUint(digits, 10, 32)
	if err != nil {
		return 0, false
	}
	if unit == "" {
		return int64(n), true
	}
	for _, u := range sizeUnits {
		if strings.EqualFold(u.name, unit) {
			return int64(n) * u.bytes, true
		}
	}
	return 0, false
}

func formatSize(n int64) string {
	for _, u := range slices.Backward(sizeUnits) {
		if n >= u.bytes && n%u.bytes == 0 {
			return strconv.FormatInt(n/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(n, 10) + "B"
}
