package config

import "github.com/belfry-scheduler/belfry/internal/egress"

// kindRules is the kind of an allow or deny list; a file may have it as a list.
const kindRules = "rules"

func setEgress(c *Config, raw string) string {
	if mode := egress.Mode(raw); mode == egress.Private || mode == egress.Public {
		c.Egress = mode
		return ""
	}
	return "must be private or public"
}

// rules makes a setting of an allow or deny list.
func rules(key, env, usage string, parse func(string) (egress.Rules, error), at func(*Config) *egress.Rules) Setting {
	return Setting{
		Key: key, Env: env, Flag: flagName(key), Kind: kindRules, Usage: usage,
		set: func(c *Config, raw string) string {
			list, err := parse(raw)
			if err != nil {
				return err.Error()
			}
			*at(c) = list
			return ""
		},
		get: func(c *Config) string { return at(c).String() },
	}
}

// finishEgress forbids calls to private networks by default if other machines can reach
// the server, because others may then create jobs. A server that only its own machine
// reaches is assumed to be for development.
func (l *loader) finishEgress() {
	if l.config.sources["egress"].Kind == FromDefault && !loopback(l.config.Host) {
		l.config.Egress = egress.Public
	}
}
