package client

import "testing"

func TestHosts(t *testing.T) {
	c := exchange{
		request: "GET /hosts?host=https%3A%2F%2Fa.test&limit=5&sort=certificate",
		answer: ok(`{"hosts":[{"host":"https://a.test:443","state":"silent","limit":64,"worth":4,` +
			`"calls":3,"queued":2,` +
			`"overdue":1,"spans":1,"recentCalls":9,"unanswered":{"connections":17,"failed":16},` +
			`"connections":{"open":4,"idle":1,"opening":2,"waiting":3,"http2":2,"streams":5},` +
			`"handshakes":{"full":5,"resumed":6,"failed":7,"window":8},"quickestMs":1.5,"usualMs":2.5,` +
			`"lastError":{"error":"connection refused","at":6},` +
			`"certificate":{"subject":"a","issuer":"ca","names":["a.test"],"moreNames":1,"notBefore":1,"notAfter":3,` +
			`"expiresAt":2,"seenAt":4,"verified":false,"reason":"expired","tlsVersion":"TLS 1.3"}},` +
			`{"host":"http://b.test:80","state":"idle","limit":null,"worth":null,"calls":0,"queued":0,` +
			`"overdue":0,"spans":0,` +
			`"recentCalls":0,"unanswered":{"connections":0,"failed":0},` +
			`"connections":{"open":0,"idle":0,"opening":0,"waiting":0},"quickestMs":null,"usualMs":null}],"total":7}`),
	}.serve(t)
	got, err := c.Hosts(t.Context(), HostsRequest{Host: "https://a.test", Sort: "certificate", Limit: 5})
	if err != nil {
		t.Fatal(err)
	}
	equal(t, got, Hosts{Total: 7, Hosts: []Host{
		{
			Host: "https://a.test:443", State: "silent", Limit: new(64), Worth: new(4), Calls: 3, Queued: 2, Overdue: 1,
			Spans: 1, RecentCalls: 9, Unanswered: Unanswered{17, 16}, Connections: Connections{4, 1, 2, 3, 2, 5},
			Handshakes: &Handshakes{5, 6, 7, 8}, QuickestMs: new(1.5), UsualMs: new(2.5),
			LastError: &HostError{"connection refused", 6},
			Certificate: &Certificate{Subject: "a", Issuer: "ca", Names: []string{"a.test"}, MoreNames: 1, NotBefore: 1,
				NotAfter: 3, ExpiresAt: 2, SeenAt: 4, Reason: new("expired"), TLSVersion: "TLS 1.3"},
		},
		{Host: "http://b.test:80", State: "idle"},
	}})
}
