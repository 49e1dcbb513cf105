package config

import (
	"fmt"
	"regexp"
	"runtime"
	"strings"
	"unicode"
)

// A path is passed to the system exactly as it is written. Notations that only a shell, a
// driver or another system understands are refused, with what was probably meant.
// Otherwise a file with a strange name would be created, and the user would search for
// the data at another place.
var (
	urlScheme     = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9+.-]+:(//)?`)
	shellVariable = regexp.MustCompile(`(^|[/\\])\$[A-Za-z_({]|%[A-Za-z_]+%`)
	quoted        = regexp.MustCompile(`^(".*"|'.*')$`)
	windowsDrive  = regexp.MustCompile(`^[A-Za-z]:[\\/]`)
	connection    = regexp.MustCompile(`(?i)(^|[;\s])(host|server|data source|dbname|user id)\s*=|@(tcp|unix)\(`)
	uriOptions    = regexp.MustCompile(`\?(mode|cache|vfs|immutable|nolock|psow|_[a-z_]+)=`)
)

// serverSchemes are the URL schemes of database servers and of other network services.
var serverSchemes = map[string]bool{
	"postgres": true, "postgresql": true, "mysql": true, "mariadb": true, "mssql": true, "sqlserver": true,
	"oracle":  true,
	"mongodb": true, "mongodb+srv": true, "redis": true, "rediss": true, "cockroachdb": true,
	"libsql": true, "jdbc": true,
	"http": true, "https": true, "tcp": true, "s3": true,
}

// fileSchemes are prefixes that may be written before a path.
var fileSchemes = map[string]bool{"file": true, "sqlite": true, "sqlite3": true}

// badPath returns what is wrong with the form of a path, or "".
func badPath(raw string) string {
	switch {
	case strings.ContainsRune(raw, 0), strings.ContainsFunc(raw, unicode.IsControl):
		return "must be a path: it has a line break or another control character in it"
	case strings.TrimSpace(raw) != raw:
		return "must be a path: it has a space at its beginning or end"
	case quoted.MatchString(raw):
		return "must be a path without quotes around it: " + raw[1:len(raw)-1]
	case strings.HasPrefix(raw, "-----BEGIN"):
		return "must be the path of a file, not what is in it"
	case strings.HasPrefix(strings.ToLower(raw), "file://"):
		return "must be a path, not a URL; that is " + raw[len("file://"):]
	case urlScheme.MatchString(raw) && strings.Contains(raw, "://"):
		return "must be a path, not a URL"
	case strings.HasPrefix(raw, "~"):
		return "must be a path written out, as in /home/NAME/...: only shells know ~ (a file of that name " +
			"is ./" + raw + ")"
	case shellVariable.MatchString(raw):
		return "must be a path written out: variables are not replaced here"
	case runtime.GOOS != "windows" && windowsDrive.MatchString(raw):
		return "must be a path of this system, as in /var/lib/belfry: this is one of Windows"
	}
	return ""
}

// badDatabasePath is badPath for what people give to other programs as the place
// of a database.
func badDatabasePath(raw string) string {
	const form = "must be a plain path, as in ./data/jobs.db: jobs and history are kept in SQLite files"
	lower := strings.ToLower(raw)
	before := urlScheme.FindString(lower) // "sqlite:" or "sqlite://"
	scheme, slashes, _ := strings.Cut(before, ":")
	switch {
	case strings.Contains(lower, ":memory:"), lower == "memory":
		return form + ", not in memory"
	case connection.MatchString(raw), serverSchemes[scheme]:
		return form + ", not in a database server"
	case fileSchemes[scheme]:
		path, _, _ := strings.Cut(raw[len(before):], "?")
		if path == "" {
			return form
		}
		return fmt.Sprintf("%s; that is %s", form, path)
	case slashes != "":
		return form
	case uriOptions.MatchString(raw):
		path, _, _ := strings.Cut(raw, "?")
		return fmt.Sprintf("%s, and have no options; that is %s", form, path)
	}
	if msg := badPath(raw); msg != "" {
		return msg
	}
	if name := raw[strings.LastIndexFunc(raw, isSlash)+1:]; name == "" || name == "." || name == ".." {
		return "must name a file, as in ./data/jobs.db"
	}
	return ""
}

func isSlash(r rune) bool { return r == '/' || r == '\\' && runtime.GOOS == "windows" }

// These match secrets in a wrong value of a path: a connection string, or a key itself.
var (
	passwordInURL  = regexp.MustCompile(`://[^/\s]*@`)
	passwordInPair = regexp.MustCompile(`(?i)(password|pwd|secret|token)\s*=\s*[^;&\s]*`)
	userAtServer   = regexp.MustCompile(`^[^/\s]+@(tcp|unix)\(`)
)

// maskSecrets drops secrets from a wrong value that is to be shown.
func maskSecrets(raw string) string {
	if strings.Contains(raw, "-----BEGIN") {
		return "-----BEGIN " + mask
	}
	raw = passwordInURL.ReplaceAllString(raw, "://"+mask+"@")
	raw = userAtServer.ReplaceAllString(raw, mask+"@$1(")
	return passwordInPair.ReplaceAllString(raw, "$1="+mask)
}
