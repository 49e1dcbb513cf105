package client

import "context"

// Setting is a setting of a server: the value that holds, and where it is from.
type Setting struct {
	Key      string `json:"key"`
	Value    string `json:"value"`    // empty: none
	Secret   bool   `json:"secret"`   // Value has a mask
	Source   string `json:"source"`   // default, file, dotenv, environment or flag
	From     string `json:"from"`     // that place, for people
	Default  string `json:"default"`  // empty: none
	Usage    string `json:"usage"`    // what it is for
	Variable string `json:"variable"` // that sets it; empty: none
	Flag     string `json:"flag"`     // that sets it, without hyphens; empty: none
}

// Settings returns the settings of the server that answers, in the order in which they are
// documented. It takes an admin's key.
func (c *Client) Settings(ctx context.Context) ([]Setting, error) {
	var out struct {
		Settings []Setting `json:"settings"`
	}
	err := c.server.getJSON(ctx, &out, nil, "settings")
	return out.Settings, err
}
