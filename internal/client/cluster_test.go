package client

import "testing"

func TestCluster(t *testing.T) {
	c := exchange{
		request: "GET /cluster",
		answer: ok(`{"nodes":[{"name":"a","address":"http://a:1","role":"all","version":"1","state":"active",` +
			`"self":true,"seenAgoMs":5,"shards":64,"load":{"firesPerSecond":1.5,"driftMs":` +
			`{"p50":1,"p99":9},"inFlight":2,"queued":3},"protocol":1,"differingSettings":[],"watermarkLagMs":7},` +
			`{"name":"b","address":"","role":"api",` +
			`"version":"2","state":"gone","self":false,"seenAgoMs":9,"shards":0,"protocol":2,` +
			`"differingSettings":["egress"],"watermarkLagMs":null}],` +
			`"shards":{"total":64,"owned":60,"free":1,"moving":3},"database":{"kind":"postgresql","latencyMs":0.5,` +
			`"clockAheadMs":-1.5,"protocol":1,"replication":"synchronous"}}`),
	}.serve(t)
	got, err := c.Cluster(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Cluster{
		Nodes: []Node{
			{"a", "http://a:1", "all", "1", "active", true, 5, 64, new(int64(7)), &Load{1.5, &Drift{1, 9}, 2, 3},
				new(1), []string{}},
			{"b", "", "api", "2", "gone", false, 9, 0, nil, nil, new(2), []string{"egress"}},
		},
		Shards: Shards{64, 60, 1, 3}, Database: Database{"postgresql", new(0.5), new(-1.5), new(1), new("synchronous")},
	})
}

func TestDrainAndResume(t *testing.T) {
	const body = `{"name":"a/b:1","address":"","role":"all","version":"1","state":"draining","self":true,` +
		`"seenAgoMs":5,"shards":64,"watermarkLagMs":7}`
	want := Node{Name: "a/b:1", Role: "all", Version: "1", State: "draining", Self: true, SeenAgoMs: 5, Shards: 64,
		WatermarkLagMs: new(int64(7))}
	for verb, do := range map[string]func(*Client) (Node, error){
		"drain":  func(c *Client) (Node, error) { return c.DrainNode(t.Context(), "a/b:1") },
		"resume": func(c *Client) (Node, error) { return c.ResumeNode(t.Context(), "a/b:1") },
	} {
		c := exchange{request: "POST /cluster/nodes/a%2Fb:1/" + verb, answer: ok(body)}.serve(t)
		got, err := do(c)
		if err != nil {
			t.Fatal(err)
		}
		equal(t, got, want)
	}
}
