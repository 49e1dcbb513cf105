package resolve

import (
	"slices"
	"strings"
	"testing"
)

func named(name string) *lookup { return &lookup{entry: &entry{name: name}} }

// drain takes all lookups whose turn comes, and returns their names.
func drain(q *line) (names []string, begun []*lookup) {
	for l := q.next(); l != nil; l = q.next() {
		names, begun = append(names, l.entry.name), append(begun, l)
	}
	return names, begun
}

func TestClassesTakeTurns(t *testing.T) {
	var q line
	for _, name := range strings.Fields("a1 a2 a3 a4 d1 d2 s1 s2 s3") {
		q.add(named(name), map[byte]class{'a': ahead, 'd': demanded, 's': suspect}[name[0]])
	}
	if q.length() != 9 {
		t.Errorf("%d wait", q.length())
	}
	got, begun := drain(&q)
	if want := strings.Fields("a1 s1 d1 a2 s2 d2 a3 s3 a4"); !slices.Equal(got, want) {
		t.Errorf("the order is %v, want %v", got, want)
	}
	if q.length() != 0 || q.underWay != 9 || q.suspects != 3 {
		t.Errorf("%d wait, %d are under way, %d of them suspects", q.length(), q.underWay, q.suspects)
	}
	for _, l := range begun {
		q.leave(l)
	}
	if q.underWay != 0 || q.suspects != 0 {
		t.Errorf("%d are under way, %d of them suspects", q.underWay, q.suspects)
	}
}

func TestBudget(t *testing.T) {
	var q line
	for range 2 * maxUnderWay {
		q.add(named("s"), suspect)
	}
	_, slow := drain(&q)
	if len(slow) != maxSuspects {
		t.Fatalf("%d suspects are under way, want %d", len(slow), maxSuspects)
	}
	for range 2 * maxUnderWay {
		q.add(named("d"), demanded)
	}
	if _, begun := drain(&q); len(begun) != maxUnderWay-maxSuspects {
		t.Fatalf("%d lookups of other names are under way, want %d", len(begun), maxUnderWay-maxSuspects)
	}
	q.leave(slow[0]) // any class may follow a suspect
	if l := q.next(); l == nil || q.next() != nil {
		t.Error("want one more lookup")
	}
}

func TestPromote(t *testing.T) {
	var q line
	wanted, waits, under, slow := named("wanted"), named("waits"), named("under"), named("slow")
	q.add(under, ahead)
	if q.next() != under {
		t.Fatal("want the only one")
	}
	q.add(waits, ahead)
	q.add(wanted, ahead)
	q.add(slow, suspect)
	for _, l := range []*lookup{wanted, under, slow} {
		q.promote(l)
		q.promote(l)
	}
	if wanted.class != demanded || under.class != ahead || slow.class != suspect || q.length() != 3 {
		t.Errorf("classes %d %d %d, %d wait", wanted.class, under.class, slow.class, q.length())
	}
	if got, _ := drain(&q); !slices.Equal(got, []string{"slow", "wanted", "waits"}) {
		t.Errorf("the order is %v", got)
	}
}
