package view

import (
	"strings"
	"testing"
)

func TestSelectHosts(t *testing.T) {
	t.Parallel()
	hosts := func() []Host {
		return []Host{
			{Name: "idle"},
			{Name: "recent", Recent: 7},
			{Name: "queued", Calls: 2, Queued: 5, Certificate: &Certificate{Expires: 300}},
			{Name: "calls", Calls: 6},
			{Name: "waits", Calls: 6, Connections: Connections{Waiting: 1}, Certificate: &Certificate{Expires: 200}},
			{Name: "ranges", Spans: 8, Certificate: &Certificate{Expires: 100}},
			{Name: "old", Certificate: &Certificate{Expires: 200}},
		}
	}
	for _, tc := range []struct {
		q     HostQuery
		want  string
		total int
	}{
		{HostQuery{Limit: 10}, "ranges queued waits calls recent idle old", 7},
		{HostQuery{Limit: 2}, "ranges queued", 7},
		{HostQuery{Limit: 10, Order: ByCertificate}, "ranges old waits queued calls recent idle", 7},
		{HostQuery{Limit: 1, Order: ByCertificate}, "ranges", 7},
		{HostQuery{Limit: 10, Name: "calls"}, "calls", 1},
		{HostQuery{Limit: 10, Name: "call"}, "", 0},
	} {
		found, total := SelectHosts(hosts(), tc.q)
		names := make([]string, len(found))
		for i := range found {
			names[i] = found[i].Name
		}
		if got := strings.Join(names, " "); got != tc.want || total != tc.total {
			t.Errorf("%+v: %q of %d, want %q of %d", tc.q, got, total, tc.want, tc.total)
		}
	}
}

type someHosts []Host

func (s someHosts) Hosts() []Host { return s }

func TestHostsOfAView(t *testing.T) {
	t.Parallel()
	if found, total := (&View{}).Hosts(t.Context(), HostQuery{Limit: 5}); len(found) != 0 || total != 0 {
		t.Errorf("%v of %d without a source", found, total)
	}
	v := &View{hosts: someHosts{{Name: "a"}, {Name: "b", Calls: 1}}}
	found, total := v.Hosts(t.Context(), HostQuery{Limit: 1})
	if len(found) != 1 || found[0].Name != "b" || total != 2 {
		t.Errorf("%v of %d", found, total)
	}
}
