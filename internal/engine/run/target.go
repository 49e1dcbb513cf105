package run

import (
	"strings"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// splitTarget takes the host from a URL. Most URLs begin with their host's text,
// or with the text but for its port: of those only the rest is kept, as one text
// serves all jobs of a host.
func splitTarget(url string) (host target.Host, rest string, f form) {
	host = target.Of(url)
	if host == (target.Host{}) {
		return host, url, formWhole
	}
	for _, f := range []form{formPort, formNoPort} {
		if rest, ok := strings.CutPrefix(url, f.origin(host)); ok &&
			(rest == "" || strings.IndexByte("/?#", rest[0]) >= 0) {
			return host, strings.Clone(rest), f // a part of the text would keep all of it in memory
		}
	}
	return host, url, formWhole
}

// form says how a version keeps its URL.
type form uint8

const (
	formWhole  form = iota // as it is
	formPort               // the host's text comes before it
	formNoPort             // the same, without the port
)

// origin returns what comes before a URL that is kept so.
func (f form) origin(host target.Host) string {
	switch f {
	case formPort:
		return host.String()
	case formNoPort:
		return host.WithoutPort()
	}
	return ""
}
