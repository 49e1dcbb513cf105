package storetest

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/store"
)

func nodesKept(t *testing.T, f *fixture) {
	one := store.Node{Token: 4, Name: "one:4000", Address: "http://10.0.0.1:4000", Build: "1.2", Role: "all",
		Protocol: 3, Settings: `{"egress":{"a":"b"}}`}
	two := store.Node{Token: 9, Name: "two", Protocol: 1}
	must(f.Nodes().Seen(t.Context(), two))(t)
	all := must(f.Nodes().Seen(t.Context(), one))(t)
	now := must(f.Shards().Peek(t.Context()))(t)[0].Clock
	if len(all) != 2 || all[0].Token != 4 || all[0].Seen > now || all[0].Seen < now-minute {
		t.Fatalf("%+v at %d", all, now)
	}
	one.Draining, one.Address = true, ""
	f.reopen(t)
	all = must(f.Nodes().Seen(t.Context(), one))(t)
	one.Seen, two.Seen = all[0].Seen, all[1].Seen
	equal(t, all, []store.Node{one, two})
	for range 2 {
		ok(t, f.Nodes().Remove(t.Context(), 4))
	}
	if all = must(f.Nodes().Seen(t.Context(), two))(t); len(all) != 1 {
		t.Errorf("after the removal of a node: %+v", all)
	}
}

// protocolRises: the protocol rises when every node that is there speaks it, and never falls.
func protocolRises(t *testing.T, f *fixture) {
	raised := func(to, want int) {
		t.Helper()
		ok(t, f.Nodes().RaiseProtocol(t.Context(), to))
		if got := must(f.Nodes().Protocol(t.Context()))(t); got != want {
			t.Errorf("after it was to be %d the protocol is %d, want %d", to, got, want)
		}
	}
	raised(1, 1)
	must(f.Nodes().Seen(t.Context(), store.Node{Token: 4, Name: "new", Protocol: 3}))(t)
	must(f.Nodes().Seen(t.Context(), store.Node{Token: 9, Name: "old", Protocol: 1}))(t)
	raised(2, 1)
	must(f.Nodes().Seen(t.Context(), store.Node{Token: 9, Name: "old", Protocol: 2}))(t)
	raised(3, 1)
	raised(2, 2)
	ok(t, f.Nodes().Remove(t.Context(), 9))
	raised(3, 3)
	raised(2, 3)
	f.reopen(t)
	raised(1, 3)
}
