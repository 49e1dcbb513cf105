package cluster

import (
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// TestMayChange has the truth table of what somebody may ask of a node.
func TestMayChange(t *testing.T) {
	t.Parallel()
	for i := range 16 {
		drains, draining, leaving, othersFire := i&8 != 0, i&4 != 0, i&2 != 0, i&1 != 0
		want := domain.Code("")
		switch {
		case drains && !draining && !leaving && !othersFire:
			want = domain.CodeConflict
		case !drains && leaving:
			want = domain.CodeUnavailable
		}
		err := mayChange(drains, draining, leaving, othersFire)
		if got := codeOf(err); got != want {
			t.Errorf("drains %v, draining %v, leaving %v, others fire %v: %q, want %q", drains, draining, leaving,
				othersFire, got, want)
		}
	}
}

func codeOf(err error) domain.Code {
	if err == nil {
		return ""
	}
	return domain.ErrorCode(err)
}

// TestBarred has the truth table of what bars a node from owning shards.
func TestBarred(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		agreement clock.Agreement
		unfit     string
		protocol  int
		want      bool
	}{
		{clock.Agreeing, "", 1, false}, {clock.Agreeing, "", 0, false}, {clock.Off, "", 1, true},
		{clock.Agreeing, "rules", 1, true}, {clock.Agreeing, "", 2, true},
	} {
		if got := barred(test.agreement, test.unfit, test.protocol, 1); got != test.want {
			t.Errorf("%+v: %v", test, got)
		}
	}
}

// TestNodeByName: of nodes with a name the one that is there is found. The error distinguishes
// whether none has the name, the one that has it is gone, or several have it.
func TestNodeByName(t *testing.T) {
	t.Parallel()
	v := &View{Nodes: []NodeView{
		{Node: store.Node{Token: 1, Name: "a"}, Gone: true}, {Node: store.Node{Token: 2, Name: "a"}},
		{Node: store.Node{Token: 3, Name: "b"}, Gone: true},
		{Node: store.Node{Token: 4, Name: "c"}}, {Node: store.Node{Token: 5, Name: "c"}},
	}}
	for name, want := range map[string]struct {
		token int64
		code  domain.Code
	}{
		"a": {2, ""}, "b": {0, domain.CodeUnavailable}, "c": {0, domain.CodeConflict}, "": {0, domain.CodeNotFound},
	} {
		got, err := v.Named(name)
		if got.Token != want.token || codeOf(err) != want.code {
			t.Errorf("%q: node %d, %v", name, got.Token, err)
		}
	}
}
