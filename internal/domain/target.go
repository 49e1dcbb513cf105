package domain

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/spelling"
	"github.com/belfry-scheduler/belfry/internal/target"
)

// schemeFault says what is wrong with a URL that does not begin with http:// or
// https://, and suggests the one that was probably meant.
func schemeFault(raw string) string {
	const rule = "must be an http or https URL"
	bare := strings.Trim(raw, "<>()\"'`")
	scheme, rest := "http", bare
	if name, after, ok := strings.Cut(bare, "://"); ok {
		if scheme, rest = spelling.Fold(name), after; scheme != "http" && scheme != "https" {
			return rule // another protocol is not a spelling mistake
		}
	} else {
		for _, known := range []string{"https", "http"} {
			if after, ok := cutPrefixFold(bare, known); ok &&
				(strings.HasPrefix(after, ":") || strings.HasPrefix(after, "//")) {
				scheme, rest = known, strings.TrimPrefix(after, ":")
				break
			}
		}
	}
	rest = strings.TrimLeft(rest, "/")
	host, _, _ := strings.Cut(rest, "/")
	guess := scheme + "://" + rest
	if strings.Contains(host, "@") || !strings.ContainsAny(host, ".:") && host != "localhost" ||
		urlFault(target.ASCII(guess)) != "" {
		return rule + ", as in https://example.com/hook"
	}
	return rule + ": did you mean " + Clip(guess) + "?"
}

func cutPrefixFold(text, prefix string) (after string, ok bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// spaceFault says what is wrong with a URL that contains blanks, and suggests the part
// after a command or a method.
func spaceFault(raw string) string {
	words := strings.Fields(raw)
	last := words[max(0, len(words)-1):]
	if len(words) > 1 && !strings.Contains(words[0], "://") && strings.Contains(last[0], "://") &&
		!strings.Contains(raw, "@") && urlFault(last[0]) == "" {
		return "must be the URL alone: did you mean " + Clip(last[0]) + "?"
	}
	return "must not hold spaces or control characters: write them as %20 and so on"
}

// withoutUser returns a URL in the form that an error may repeat: with a mask in place
// of a user name and password, and of text that looks like them.
func withoutUser(raw string) string {
	at := strings.LastIndexByte(raw, '@')
	if at < 0 {
		return raw
	}
	start := 0
	if i := strings.Index(raw, "://"); i >= 0 && i < at {
		start = i + len("://")
	}
	if before := raw[start:at]; strings.Contains(before, "/") && !strings.Contains(before, ":") {
		return raw // an @ in a path
	}
	return raw[:start] + Mask + raw[at:]
}

// urlFault says what is wrong with a target, or "".
func urlFault(raw string) string {
	if utf8.RuneCountInString(raw) > MaxURLLength {
		return fmt.Sprintf("must be at most %d characters", MaxURLLength)
	}
	for _, r := range raw {
		if r <= ' ' || r == 0x7f || r == utf8.RuneError {
			return spaceFault(raw)
		}
	}
	if low := strings.ToLower(raw[:min(len(raw), len("https://"))]); !strings.HasPrefix(low, "http://") &&
		low != "https://" {
		return schemeFault(raw)
	}
	return target.Fault(raw)
}

// Clip truncates a text that a message quotes.
func Clip(text string) string {
	const most = 48
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}
