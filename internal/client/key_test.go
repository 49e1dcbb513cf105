package client

import "testing"

func TestKeys(t *testing.T) {
	c := exchange{
		request: "POST /keys", contentType: typeJSON, body: `{"name":"CI","role":"editor"}`,
		answer: answer{201, typeJSON, `{"key":"bel_k7x2mq4a_X","id":"k7x2mq4a","name":"CI","role":"editor",` +
			`"createdAt":5,"expiresAt":null}`, nil},
	}.serve(t)
	made, err := c.Keys.Create(t.Context(), NewKey{Name: "CI", Role: "editor"})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, made, CreatedKey{Text: "bel_k7x2mq4a_X", ID: "k7x2mq4a", Name: "CI", Role: "editor", CreatedAt: 5})

	c = exchange{
		request: "GET /keys",
		answer: ok(`{"keys":[{"id":"k7x2mq4a","name":"CI","role":"editor","createdAt":5,"expiresAt":7,` +
			`"lastUsedAt":null}]}`),
	}.serve(t)
	list, err := c.Keys.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, list, []Key{{ID: "k7x2mq4a", Name: "CI", Role: "editor", CreatedAt: 5, ExpiresAt: new(int64(7))}})

	c = exchange{request: "DELETE /keys/k7x2mq4a",
		answer: ok(`{"id":"k7x2mq4a","message":"Key revoked","revokedAt":9}`)}.serve(t)
	if err := c.Keys.Revoke(t.Context(), "k7x2mq4a"); err != nil {
		t.Fatal(err)
	}
	if err := c.Keys.Revoke(t.Context(), ".."); err == nil {
		t.Error(".. was taken for an id")
	}
}
