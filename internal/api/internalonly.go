package api

import (
	"slices"
	"strings"
)

// internalPaths are what a server answers that has no API for clients: what probes and monitoring ask
// it. Those that end with a slash are the beginnings of paths.
var internalPaths = []string{"/healthz", "/readyz", "/metrics", "/hosts", "/cluster", "/cluster/", "/observability/"}

// internalPath reports whether a path is one of them.
func internalPath(path string) bool {
	return slices.ContainsFunc(internalPaths, func(p string) bool {
		return path == p || strings.HasSuffix(p, "/") && strings.HasPrefix(path, p)
	})
}

// noClients refuses what clients ask of a server that has no API for them. It may be asked again: a
// load balancer has other servers.
func noClients() *Problem {
	return kindUnavailable.problem("this server fires jobs and answers no clients (role scheduler): ask one that has " +
		"the role api or all")
}
