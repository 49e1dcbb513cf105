package config

import (
	"fmt"
	"regexp"
	"strings"
)

const (
	defaultNamespace = "default"
	maxNamespaces    = 1_000 // in a list: some 64 KiB, as much as a file may have
)

// AllNamespaces stands for every namespace in a list.
const AllNamespaces = "*"

// namespaceName is what can name a namespace, as in package domain.
var namespaceName = regexp.MustCompile(`^[a-z0-9-]{1,63}$`)

// badNamespaces says what is wrong with a list of namespaces, or "".
func badNamespaces(list []string) string {
	if len(list) > maxNamespaces {
		return fmt.Sprintf("must be at most %d namespaces", maxNamespaces)
	}
	if list != nil && len(list) == 0 {
		return "must not be empty: absent means " + defaultNamespace + ` alone, ["*"] means all`
	}
	for _, name := range list {
		if name != AllNamespaces && !namespaceName.MatchString(name) {
			return fmt.Sprintf(`must be names of namespaces, or "*" for all: %s is none`, show(name))
		}
	}
	return ""
}

// noNamespace is a list without any, which an empty value, that counts as not set, cannot be.
const noNamespace = "none"

// setSigningUndivided reads names of namespaces separated by commas.
func setSigningUndivided(c *Config, raw string) string {
	c.SigningUndivided = nil
	if raw == noNamespace {
		return ""
	}
	var list []string
	for name := range strings.SplitSeq(raw, ",") {
		list = append(list, strings.TrimSpace(name))
	}
	for _, name := range list {
		if name == AllNamespaces {
			return "must name each namespace: * would let each one sign for all others"
		}
	}
	if msg := badNamespaces(list); msg != "" {
		return msg
	}
	c.SigningUndivided = list
	return ""
}

func getSigningUndivided(c *Config) string {
	if len(c.SigningUndivided) == 0 {
		return noNamespace
	}
	return strings.Join(c.SigningUndivided, ", ")
}
