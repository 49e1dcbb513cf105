package domain

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode/utf8"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/net/idna"
)

// asciiHost writes the host of a URL in the form in which it is looked up: a
// name of another script (RFC 5891) in its xn-- form. It happens where a URL
// comes in, so that whoever judges, counts or calls a host sees one name of it.
// What cannot be written so is left for [urlFault].
func asciiHost(raw string) string {
	start, end, ok := hostOf(raw)
	if !ok || isASCII(raw[start:end]) {
		return raw
	}
	host, err := idna.Lookup.ToASCII(raw[start:end])
	if err != nil {
		return raw
	}
	return raw[:start] + host + raw[end:]
}

// hostOf returns where the host of a URL lies in its text. There is none where
// somebody has to look closely: at a user name or an address in brackets.
func hostOf(raw string) (start, end int, ok bool) {
	scheme, rest, ok := strings.Cut(raw, "://")
	if !ok {
		return 0, 0, false
	}
	start = len(scheme) + len("://")
	authority := rest
	if i := strings.IndexAny(rest, "/?#"); i >= 0 {
		authority = rest[:i]
	}
	if strings.ContainsAny(authority, "@[]%") {
		return 0, 0, false
	}
	host, _, _ := strings.Cut(authority, ":")
	return start, start + len(host), host != ""
}

func isASCII(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf })
}

// schemeFault says what is wrong with a URL that does not begin with http:// or
// https://, and which one was probably meant.
func schemeFault(raw string) string {
	const rule = "must be an http or https URL"
	bare := strings.Trim(raw, "<>()\"'`")
	scheme, rest := "http", bare
	if name, after, ok := strings.Cut(bare, "://"); ok {
		if scheme, rest = foldWord(name), after; scheme != "http" && scheme != "https" {
			return rule // another protocol is no mistake in writing
		}
	} else {
		for _, known := range []string{"https", "http"} {
			if after, ok := cutPrefixFold(bare, known); ok && (strings.HasPrefix(after, ":") || strings.HasPrefix(after, "//")) {
				scheme, rest = known, strings.TrimPrefix(after, ":")
				break
			}
		}
	}
	rest = strings.TrimLeft(rest, "/")
	host, _, _ := strings.Cut(rest, "/")
	guess := scheme + "://" + rest
	if strings.Contains(host, "@") || !strings.ContainsAny(host, ".:") && host != "localhost" || urlFault(asciiHost(guess)) != "" {
		return rule + ", as in https://example.com/hook"
	}
	return rule + ": did you mean " + clipText(guess) + "?"
}

func cutPrefixFold(text, prefix string) (after string, ok bool) {
	if len(text) < len(prefix) || !strings.EqualFold(text[:len(prefix)], prefix) {
		return text, false
	}
	return text[len(prefix):], true
}

// spaceFault says what is wrong with a URL that holds blanks, and which one was
// probably meant if it stands behind a command or a method.
func spaceFault(raw string) string {
	words := strings.Fields(raw)
	last := words[max(0, len(words)-1):]
	if len(words) > 1 && !strings.Contains(words[0], "://") && strings.Contains(last[0], "://") && !strings.Contains(raw, "@") && urlFault(last[0]) == "" {
		return "must be the URL alone: did you mean " + clipText(last[0]) + "?"
	}
	return "must not hold spaces or control characters: write them as %20 and so on"
}

// withoutUser is a URL as a refusal may repeat it: with a mask in the place of a
// user name and password, and of what looks like them.
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
	u, err := url.Parse(raw)
	if low := strings.ToLower(raw[:min(len(raw), len("https://"))]); !strings.HasPrefix(low, "http://") && low != "https://" {
		return schemeFault(raw)
	}
	if err != nil {
		if strings.Contains(raw, "@") {
			return "must be a URL, without a user name or password: send an Authorization header"
		}
		return "must be a URL: " + strings.TrimPrefix(err.Error(), "parse ")
	}
	switch {
	case u.Hostname() == "":
		return "must name a host, as in https://example.com/hook"
	case u.User != nil:
		return "must not hold a user name or password: send an Authorization header"
	case strings.Contains(raw, "#"):
		return "must not hold a fragment (#...): it would not be sent"
	case !httpguts.ValidHostHeader(u.Host):
		return "must name a valid host"
	}
	if msg := hostFault(u.Hostname(), strings.HasPrefix(u.Host, "[")); msg != "" {
		return msg
	}
	if port := u.Port(); port != "" {
		if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 {
			return "must have a port from 1 to 65535"
		}
	} else if strings.HasSuffix(u.Host, ":") {
		return "must have a port after the colon"
	}
	return ""
}
