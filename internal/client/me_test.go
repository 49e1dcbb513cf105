package client

import "testing"

func TestMe(t *testing.T) {
	c := exchange{
		request: "GET /me",
		answer: ok(`{"kind":"key","keyId":"k7x2mq4a","name":"CI","role":"editor","namespaces":["billing"],` +
			`"expiresAt":1798761600000,"keyless":false,"signIn":{"key":true,` +
			`"oidc":{"name":"Example","url":"https://belfry.example.com/session/oidc"}}}`),
	}.serve(t)
	got, err := c.Me(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Me{Kind: "key", KeyID: "k7x2mq4a", Name: "CI", Role: "editor", Namespaces: []string{"billing"},
		ExpiresAt: new(int64(1798761600000)),
		SignIn:    SignIn{true, &SignInOIDC{"Example", "https://belfry.example.com/session/oidc"}}})
}
