package config

import (
	"net/url"
	"slices"
	"strings"
)

const databaseURLRule = "must be a URL as in postgres://belfry@db.example:5432/belfry?sslmode=verify-full"

// setDatabaseURL takes the URL of a database server. Its password may only be in the place of one, where it
// is found and masked.
func setDatabaseURL(c *Config, raw string) string {
	u, err := url.Parse(raw)
	switch {
	case raw == "": // none
	case err != nil || !slices.Contains([]string{"postgres", "postgresql"}, u.Scheme) || u.Opaque != "":
		return databaseURLRule
	case strings.Trim(u.Path, "/") == "":
		return databaseURLRule + ": the name of the database is missing"
	case u.Query().Has("password") || u.Query().Has("sslpassword"):
		return databaseURLRule + ": a password is not a parameter of it"
	}
	c.DatabaseURL = Secret(raw)
	return ""
}

// DatabaseName returns the URL of the database without its password; empty: the database is a file.
func (c *Config) DatabaseName() string {
	if c.DatabaseURL == "" {
		return ""
	}
	u, err := url.Parse(c.DatabaseURL.Reveal())
	if err != nil { // setDatabaseURL has parsed it
		return mask
	}
	return u.Redacted()
}

// hasPassword reports whether the URL of the database has a password.
func (c *Config) hasPassword() bool {
	u, err := url.Parse(c.DatabaseURL.Reveal())
	if err != nil || u.User == nil {
		return false
	}
	_, has := u.User.Password()
	return has
}

// OnServer reports whether the database is one of a database server.
func (c *Config) OnServer() bool { return c.DatabaseURL != "" || c.DatabaseURLFile != "" }
