package app

import (
	"github.com/belfry-scheduler/belfry/internal/api"
	"github.com/belfry-scheduler/belfry/internal/config"
)

// settingsOf returns the settings for the API, with secrets masked.
func settingsOf(c *config.Config) []api.Setting {
	all := c.Describe()
	out := make([]api.Setting, 0, len(all))
	for i := range all {
		e := &all[i]
		out = append(out, api.Setting{
			Key: e.Key, Value: e.Value, Source: e.Source.Kind.String(), From: e.Source.String(),
			Default: e.Default, Usage: e.Usage, Variable: e.Env, Flag: e.Flag, Secret: e.Secret(),
		})
	}
	return out
}
