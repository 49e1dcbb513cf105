package client

import "testing"

func TestMe(t *testing.T) {
	c := exchange{
		request: "GET /me",
		answer: ok(`{"kind":"key","keyId":"k7x2mq4a","name":"CI","role":"editor","namespaces":["billing"],` +
			`"expiresAt":1798761600000,"keyless":false,"signIn":{"key":true}}`),
	}.serve(t)
	got, err := c.Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Me{"key", "k7x2mq4a", "CI", "editor", []string{"billing"}, new(int64(1798761600000)), false,
		SignIn{true}})
}
