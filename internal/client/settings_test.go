package client

import "testing"

func TestSettings(t *testing.T) {
	c := exchange{
		request: "GET /settings",
		answer: ok(`{"settings":[{"key":"retention","value":"90d","secret":false,"source":"flag",` +
			`"from":"flag --retention","default":"30d","usage":"how long","variable":"BELFRY_RETENTION",` +
			`"flag":"retention"},{"key":"api_keys","value":"**","secret":true,"source":"default","from":"default",` +
			`"usage":"keys"}]}`),
	}.serve(t)
	got, err := c.Settings(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, []Setting{
		{"retention", "90d", false, "flag", "flag --retention", "30d", "how long", "BELFRY_RETENTION", "retention"},
		{Key: "api_keys", Value: "**", Secret: true, Source: "default", From: "default", Usage: "keys"},
	})
}
