package api

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/host"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// someHosts are two hosts with all that may be known, and one with nothing.
func someHosts() []view.Host {
	return []view.Host{
		{Name: "http://idle.test:80", State: view.HostIdle},
		{
			Name: "https://busy.test:443", State: "silent", Limit: 64, Worth: 4, Calls: 64, Queued: 100,
			Overdue: 90, Spans: 2, Recent: 7,
			Unanswered: 17, Refused: 1, QuickestMs: 1.25, UsualMs: 2.5,
			Connections: view.Connections{Open: 3, Idle: 2, Opening: 1, Waiting: 60, HTTP2: 1, Streams: 4},
			LastError:   &view.HostError{Text: "connection refused by busy.test:443", At: 9},
			Handshakes:  &view.Handshakes{Full: 1, Resumed: 2, Failed: 3, Window: 4},
			Certificate: &view.Certificate{Subject: "busy", Issuer: "ca", Names: []string{"busy.test"}, MoreNames: 1,
				NotBefore: 1, NotAfter: 20, Expires: 10, SeenAt: 5, Verified: true, Version: "TLS 1.3"},
		},
		{
			Name: "https://soon.test:8443", State: "answering", Calls: 1,
			Certificate: &view.Certificate{Names: []string{}, Expires: 5, Reason: "it expired"},
		},
	}
}

type hostsAnswer struct {
	Hosts []hostBody
	Total int
}

func TestHosts(t *testing.T) {
	f := newFixture(t)
	f.hosts = someHosts()
	h := newAPI(t, f)
	for query, want := range map[string]string{
		"":                                 "https://busy.test:443 https://soon.test:8443 http://idle.test:80 of 3",
		"?sort=activity&limit=1":           "https://busy.test:443 of 3",
		"?sort=certificate":                "https://soon.test:8443 https://busy.test:443 http://idle.test:80 of 3",
		"?host=https://busy.test":          "https://busy.test:443 of 1",
		"?host=HTTPS://Busy.Test:443/path": "https://busy.test:443 of 1",
		"?host=http://busy.test":           " of 0",
		"?host=https://soon.test%3A8443":   "https://soon.test:8443 of 1",
	} {
		var got hostsAnswer
		call(t, h, "GET", "/hosts"+query, "").into(t, 200, &got)
		names := make([]string, len(got.Hosts))
		for i := range got.Hosts {
			names[i] = got.Hosts[i].Host
		}
		if text := fmt.Sprintf("%s of %d", strings.Join(names, " "), got.Total); text != want {
			t.Errorf("%s: %s, want %s", query, text, want)
		}
	}
	const busy = `{"host":"https://busy.test:443","state":"silent","limit":64,"worth":4,"calls":64,"queued":100,` +
		`"overdue":90,"spans":2,"recentCalls":7,"unanswered":{"connections":17,"failed":1},` +
		`"connections":{"open":3,"idle":2,"opening":1,"waiting":60,"http2":1,"streams":4},` +
		`"handshakes":{"full":1,"resumed":2,"failed":3,"window":4},"quickestMs":1.25,"usualMs":2.5,` +
		`"lastError":{"error":"connection refused by busy.test:443","at":9},` +
		`"certificate":{"subject":"busy","issuer":"ca","names":["busy.test"],"moreNames":1,"notBefore":1,` +
		`"notAfter":20,"expiresAt":10,"seenAt":5,"verified":true,"reason":null,"tlsVersion":"TLS 1.3"}}`
	const idle = `{"host":"http://idle.test:80","state":"idle","limit":null,"worth":null,"calls":0,"queued":0,` +
		`"overdue":0,"spans":0,"recentCalls":0,"unanswered":{"connections":0,"failed":0},` +
		`"connections":{"open":0,"idle":0,"opening":0,"waiting":0,"http2":0,"streams":0},"quickestMs":null,` +
		`"usualMs":null}`
	text := call(t, h, "GET", "/hosts", "").text
	if !strings.HasPrefix(text, `{"hosts":[`+busy) || !strings.HasSuffix(strings.TrimSpace(text),
		idle+`],"total":3}`) {
		t.Error(text)
	}
}

func TestHostsWhenThereAreNone(t *testing.T) {
	h := newAPI(t, newFixture(t))
	if text := call(t, h, "GET", "/hosts", "").text; strings.TrimSpace(text) != `{"hosts":[],"total":0}` {
		t.Error(text)
	}
}

// The default limit is 20.
func TestHostsAreBounded(t *testing.T) {
	f := newFixture(t)
	for i := range 1_500 {
		f.hosts = append(f.hosts, view.Host{Name: fmt.Sprintf("http://h%d.test:80", i), State: view.HostIdle})
	}
	h := newAPI(t, f)
	for query, want := range map[string]int{"": 20, "?limit=1000": 1_000, "?limit=1": 1} {
		var got hostsAnswer
		if call(t, h, "GET", "/hosts"+query, "").into(t, 200, &got); len(got.Hosts) != want || got.Total != 1_500 {
			t.Errorf("%q: %d hosts of %d", query, len(got.Hosts), got.Total)
		}
	}
}

// A viewer may read, whoever is confined to a namespace may not: a host is shared by all.
func TestWhoMayListHosts(t *testing.T) {
	w := newTenants(t)
	call(t, w.admin, "GET", "/hosts", "").into(t, 200, new(hostsAnswer))
	call(t, w.billing, "GET", "/hosts", "").problem(t, 403)
	if got := needs("GET", "/hosts"); got != domain.RoleViewer {
		t.Errorf("it takes the role %s", got)
	}
}

// The document names each state that a host may have.
func TestStatesAreDocumented(t *testing.T) {
	var want []any
	for _, state := range host.States() {
		want = append(want, state.String())
	}
	want = append(want, view.HostIdle)
	schema := openAPI(t)["components"].(object)["schemas"].(object)["Host"].(object)
	if got := schema["properties"].(object)["state"].(object)["enum"].([]any); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}
