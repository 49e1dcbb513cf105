package config

import (
	"cmp"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
)

const maxNodeName = 200

func setNodeName(c *Config, raw string) string {
	if len(raw) > maxNodeName || strings.ContainsFunc(raw, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return "must have at most 200 printable ASCII characters without a blank"
	}
	c.Cluster.NodeName = raw
	return ""
}

func setAdvertise(c *Config, raw string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "": // it follows from the address to listen on
	case err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil ||
		strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.Fragment != "":
		return "must be the URL of this server without a path, as in http://10.0.0.7:3000"
	}
	c.Cluster.Advertise = strings.TrimRight(raw, "/")
	return ""
}

func setRole(c *Config, raw string) string {
	role := Role(raw)
	if !slices.Contains([]Role{RoleAll, RoleAPI, RoleScheduler}, role) {
		return "must be all, api or scheduler"
	}
	c.Cluster.Role = role
	return ""
}

// NodeName returns by which name other servers and people know this one: the one that is set, or
// the name of the machine with the port, which is the one that was taken.
func (c *Config) NodeName(port int) string {
	return cmp.Or(c.Cluster.NodeName, net.JoinHostPort(machineName(), strconv.Itoa(port)))
}

// AdvertisedURL returns where other servers reach this one: the one that is set, or the address on
// which it listens, with the name of the machine if that is any address. port is the one that was
// taken.
func (c *Config) AdvertisedURL(port int) string {
	if c.Cluster.Advertise != "" {
		return c.Cluster.Advertise
	}
	scheme, host := "http", c.Host
	if c.TLSCert != "" {
		scheme = "https"
	}
	if ip := net.ParseIP(host); ip != nil && ip.IsUnspecified() || host == "" {
		host = machineName()
	}
	return scheme + "://" + net.JoinHostPort(host, strconv.Itoa(port))
}

// machineName returns the name of this machine.
func machineName() string {
	name, err := os.Hostname()
	if err != nil || name == "" {
		return "localhost"
	}
	return name
}
