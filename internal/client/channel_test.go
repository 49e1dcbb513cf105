package client

import "testing"

const channelJSON = `{"id":"ops","kind":"WEBHOOK","source":"api","default":true,"disabled":false,"perMinute":20,` +
	`"target":"hooks.test","options":{},"secrets":{"url":"********"},"signingSecrets":["********"],"templates":{},` +
	`"error":null,"lastDelivery":{"at":5,"state":"PENDING","error":"503"},"pending":2,"oldestPendingAt":4,` +
	`"revision":7,"createdAt":1,"updatedAt":2}`

var wantChannel = Channel{
	ChannelSpec: ChannelSpec{
		Kind: "WEBHOOK", Default: true, PerMinute: 20, Options: map[string]string{},
		Secrets: map[string]string{"url": Mask}, SigningSecrets: []string{Mask},
	},
	ID: "ops", Source: "api", Target: "hooks.test",
	LastDelivery: &ChannelDelivery{At: 5, State: "PENDING", Error: new("503")}, Pending: 2,
	OldestPendingAt: new(int64(4)), Revision: new(int64(7)), CreatedAt: new(int64(1)), UpdatedAt: new(int64(2)),
}

func TestChannels(t *testing.T) {
	spec := ChannelSpec{Kind: "WEBHOOK", Secrets: map[string]string{"url": "https://hooks.test/x"}}
	const sent = `{"kind":"WEBHOOK","secrets":{"url":"https://hooks.test/x"}}`
	for name, tc := range map[string]struct {
		exchange
		call func(*Client) (any, error)
		want any
	}{
		"list": {exchange{request: "GET /alerts/channels", answer: ok(`{"channels":[` + channelJSON + `]}`)},
			func(c *Client) (any, error) { return c.Channels.List(t.Context()) }, []Channel{wantChannel}},
		"kinds": {exchange{request: "GET /alerts/channels/kinds", answer: ok(`{"kinds":[{"kind":"WEBHOOK",` +
			`"signed":true,"fields":[{"name":"url","secret":true,"required":true,"help":"where"}]}]}`)},
			func(c *Client) (any, error) { return c.Channels.Kinds(t.Context()) },
			[]ChannelKind{{"WEBHOOK", true, []ChannelField{{"url", true, true, "where"}}}}},
		"get": {exchange{request: "GET /alerts/channels/ops", answer: ok(channelJSON)},
			func(c *Client) (any, error) { return c.Channels.Get(t.Context(), "ops") }, wantChannel},
		"put": {exchange{request: "PUT /alerts/channels/ops", contentType: typeJSON, body: sent, ifMatch: `"7"`,
			answer: ok(channelJSON)},
			func(c *Client) (any, error) { return c.Channels.Put(t.Context(), "ops", 7, spec) }, wantChannel},
		"create": {exchange{request: "PUT /alerts/channels/ops", contentType: typeJSON, body: sent,
			answer: answer{201, typeJSON, channelJSON, nil}},
			func(c *Client) (any, error) { return c.Channels.Create(t.Context(), "ops", spec) }, wantChannel},
		"delete": {exchange{request: "DELETE /alerts/channels/ops", ifMatch: `"7"`, answer: ok(`{"id":"ops"}`)},
			func(c *Client) (any, error) { return nil, c.Channels.Delete(t.Context(), "ops", 7) }, nil},
		"test": {exchange{request: "POST /alerts/channels/ops/test",
			answer: ok(`{"delivered":false,"error":"404","at":5,"durationMs":6}`)},
			func(c *Client) (any, error) { return c.Channels.Test(t.Context(), "ops") },
			ChannelTest{Error: new("404"), At: 5, DurationMs: 6}},
		"preview": {exchange{request: "POST /alerts/channels/preview", contentType: typeJSON,
			body: `{"title":"{{.Title}}"}`, answer: ok(`{"title":"Failing","text":"x"}`)},
			func(c *Client) (any, error) {
				return c.Channels.Preview(t.Context(), ChannelTemplates{Title: "{{.Title}}"})
			}, ChannelTemplates{"Failing", "x"}},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := tc.call(tc.serve(t))
			if err != nil {
				t.Fatal(err)
			}
			equal(t, got, tc.want)
		})
	}
}
