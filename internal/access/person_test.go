package access

import (
	"encoding/json"
	"errors"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func admissionOf(t *testing.T, grants ...string) *Admission {
	t.Helper()
	parsed, err := ParseGrants(grants)
	if err != nil {
		t.Fatal(err)
	}
	return &Admission{Issuer: "https://login.example.com", ClientID: "belfry", ClientSecret: "secret", Grants: parsed}
}

// peopleOf returns the sessions of a server with a provider.
func peopleOf(t *testing.T, w *world, p *Admission) *Sessions {
	t.Helper()
	s := openSessions(t, w.Keyring, secret1)
	s.Admission = p
	return s
}

func claimsOf(t *testing.T, text string) map[string]any {
	t.Helper()
	claims := map[string]any{}
	if err := json.Unmarshal([]byte(text), &claims); err != nil {
		t.Fatal(err)
	}
	return claims
}

const ann = `{"sub":"ann-7","email":"ann@example.com","email_verified":true,"groups":["ops","billing"]}`

// TestSessionsOfPeople: role and namespace are those of the first grant that fits; the session ends by itself and by a
// logout, at other servers too, and its id is new each time.
func TestSessionsOfPeople(t *testing.T) { synctest.Test(t, sessionsOfPeople) }

func sessionsOfPeople(t *testing.T) {
	w := open(t, newStore(t))
	p := admissionOf(t, "groups=billing:editor:billing", "groups=ops:admin")
	s := peopleOf(t, w, p)
	begun, wait, err := s.BeginAs(claimsOf(t, ann))
	if err != nil || wait != 0 {
		t.Fatal(wait, err)
	}
	c := wantSession(t, s, begun.Text, true).Caller
	if c.Key != "oidc:ann-7" || c.Name != "ann@example.com" || c.Role != domain.RoleEditor ||
		c.Namespace != "billing" ||
		c.Session != begun.Caller.Session || c.ExpiresAt != time.Now().Add(12*time.Hour).UnixMilli() {
		t.Errorf("%+v", c)
	}
	again, _, err := s.BeginAs(claimsOf(t, ann))
	if err != nil || again.Caller.Session == begun.Caller.Session {
		t.Errorf("%+v, %v", again, err)
	}
	other := peopleOf(t, w, p) // another server
	wantSession(t, other, begun.Text, true)
	if err := s.End(t.Context(), &begun.Caller); err != nil {
		t.Fatal(err)
	}
	wantSession(t, s, begun.Text, false)
	if err := other.Refresh(t.Context()); err != nil {
		t.Fatal(err)
	}
	wantSession(t, other, begun.Text, false)
	wantSession(t, other, again.Text, true)
	time.Sleep(time.Hour)
	wantSession(t, s, again.Text, false)
}

// TestOtherGrantsEndSessions: what the settings say now counts, not what they said at the sign-in.
func TestOtherGrantsEndSessions(t *testing.T) { synctest.Test(t, otherGrantsEndSessions) }

func otherGrantsEndSessions(t *testing.T) {
	w := open(t, newStore(t))
	same := func() *Admission { return admissionOf(t, "groups=ops:admin", "groups=billing:editor:billing") }
	begun, _, err := peopleOf(t, w, same()).BeginAs(claimsOf(t, ann))
	if err != nil {
		t.Fatal(err)
	}
	wantSession(t, peopleOf(t, w, same()), begun.Text, true)
	for name, p := range map[string]*Admission{
		"none":            nil,
		"another role":    admissionOf(t, "groups=ops:viewer", "groups=billing:editor:billing"),
		"another order":   admissionOf(t, "groups=billing:editor:billing", "groups=ops:admin"),
		"one more":        admissionOf(t, "groups=ops:admin", "groups=billing:editor:billing", "sub=x:viewer"),
		"one less":        admissionOf(t, "groups=ops:admin"),
		"no grant":        admissionOf(t),
		"other parts":     admissionOf(t, "groups=op:admin", "groups=billing:editor:billing"),
		"another issuer":  {"https://evil.example", "belfry", "secret", same().Grants},
		"another client":  {"https://login.example.com", "other", "secret", same().Grants},
		"another secret":  {"https://login.example.com", "belfry", "secret2", same().Grants},
		"moved separator": {"https://login.example.comb", "elfry", "secret", same().Grants},
	} {
		if _, ok := peopleOf(t, w, p).Find(begun.Text); ok {
			t.Errorf("with %s the session goes on", name)
		}
	}
	forged := *same()
	s := peopleOf(t, w, &forged)
	for _, grant := range []int{-1, 2, 1 << 40} { // by whoever has the encryption key, and not the secret of the client
		text, err := s.sealed(&ticket{ID: domain.NewSessionID(), Began: time.Now().UnixMilli(),
			Seen: time.Now().UnixMilli(), Ends: time.Now().Add(time.Hour).UnixMilli(),
			Person: &person{"ann-7", "", grant, forged.mac()}})
		if err != nil {
			t.Fatal(err)
		}
		wantSession(t, s, text, false)
	}
	text, err := s.sealed(&ticket{ID: domain.NewSessionID(), Began: time.Now().UnixMilli(),
		Seen: time.Now().UnixMilli(),
		Ends: time.Now().Add(time.Hour).UnixMilli(), Person: &person{"ann-7", "", 0, make([]byte, 16)}})
	if err != nil {
		t.Fatal(err)
	}
	wantSession(t, s, text, false)
}

// TestNothingGranted: whoever meets no grant, or is nobody in particular, does not come in.
func TestNothingGranted(t *testing.T) {
	w := open(t, newStore(t))
	s := peopleOf(t, w, admissionOf(t, "groups=ops:admin", "email=eve@example.com:admin"))
	long := strings.Repeat("x", 256)
	for claims, want := range map[string]error{
		`{"sub":"eve"}`: ErrNotGranted, `{"sub":"eve","groups":[]}`: ErrNotGranted,
		`{"sub":"eve","groups":null}`:                                     ErrNotGranted,
		`{"sub":"eve","email":"eve@example.com"}`:                         ErrNotGranted,
		`{"sub":"eve","email":"eve@example.com","email_verified":"true"}`: ErrNotGranted,
		`{"groups":["ops"]}`:                                              ErrNoSubject,
		`{"sub":"","groups":["ops"]}`:                                     ErrNoSubject,
		`{"sub":7,"groups":["ops"]}`:                                      ErrNoSubject,
		`{"sub":"a\u0000","groups":["ops"]}`:                              ErrNoSubject,
		`{"sub":"a\u202eb","groups":["ops"]}`:                             ErrNoSubject,
		`{"sub":"a\u200b","groups":["ops"]}`:                              ErrNoSubject,
		`{"sub":"` + long + `","groups":["ops"]}`:                         ErrNoSubject,
		`{"sub":"` + long[1:] + `","groups":["ops"]}`:                     nil,
		`{"sub":"` + strings.Repeat(`<`, 255) + `","groups":["ops"],"name":"` + strings.Repeat("&", 999) + `"}`: nil,
	} {
		begun, _, err := s.BeginAs(claimsOf(t, claims))
		if !errors.Is(err, want) || (err == nil) != (begun.Text != "") || len(begun.Text) > maxTicket {
			t.Errorf("%.60s: %v, %d bytes", claims, err, len(begun.Text))
		}
	}
	s.Admission = nil
	if _, _, err := s.BeginAs(claimsOf(t, ann)); !errors.Is(err, ErrNoProvider) {
		t.Error(err)
	}
}

// TestNamesOfPeople: an address that is not verified is nobody's name, and what is not seen is no part of one.
func TestNamesOfPeople(t *testing.T) {
	for claims, want := range map[string]string{
		`{}`: "", `{"email":"ann@example.com"}`: "",
		`{"email":"a@b.test","email_verified":true,"name":"A"}`: "a@b.test",
		`{"email":"boss@b.test","preferred_username":"eve"}`:    "eve", `{"name":" A\u202e\u0000\n B "}`: "A B",
		`{"name":7}`: "",
		`{"name":"` + strings.Repeat("ü", 150) + `"}`: strings.Repeat("ü", 100),
	} {
		if got := nameOf(claimsOf(t, claims)); got != want {
			t.Errorf("%.60s: %q, want %q", claims, got, want)
		}
	}
}

// TestSignInsOfPeopleAreBounded: of one person, and the memory of them.
func TestSignInsOfPeopleAreBounded(t *testing.T) {
	w := open(t, newStore(t))
	s := peopleOf(t, w, admissionOf(t, "groups=ops:admin"))
	for range SignInBurst {
		if _, wait, err := s.BeginAs(claimsOf(t, ann)); err != nil || wait != 0 {
			t.Fatal(wait, err)
		}
	}
	if begun, wait, err := s.BeginAs(claimsOf(t, ann)); err != nil || wait <= 0 || begun.Text != "" {
		t.Error(begun, wait, err)
	}
	if _, wait, err := s.BeginAs(claimsOf(t, strings.Replace(ann, "ann-7", "bob", 1))); err != nil || wait != 0 {
		t.Error(wait, err)
	}
	for i := range maxPeople + 10 {
		s.people.of(strconv.Itoa(i))
	}
	if n := len(s.people.known); n != maxPeople {
		t.Errorf("%d people", n)
	}
}

// TestPeopleWithoutKeys: a server where people sign in is not open because there is no key.
func TestPeopleWithoutKeys(t *testing.T) {
	w := open(t, newStore(t))
	if !w.Empty() || !w.Holds(domain.Author{Key: domain.AuthorLoopback}) {
		t.Error("without a provider")
	}
	w.People = true
	if w.Empty() || w.Holds(domain.Author{Key: domain.AuthorLoopback}) {
		t.Error("with a provider")
	}
}

// TestWorkOfPeople: an operation goes on while the session that began it could, and while a grant gives what it needs.
func TestWorkOfPeople(t *testing.T) { synctest.Test(t, workOfPeople) }

func workOfPeople(t *testing.T) {
	w := open(t, newStore(t))
	w.People = true
	s := peopleOf(t, w, nil)
	_, key := w.create(t, domain.RoleAdmin, 0)
	of := func(author string, role domain.Role, namespace string) *domain.Operation {
		return &domain.Operation{By: domain.Author{Key: author}, Role: role, Namespace: namespace,
			CreatedAt: time.Now().UnixMilli()}
	}
	ann := of("oidc:ann-7", domain.RoleEditor, "billing")
	for _, c := range []struct {
		what      string
		admission *Admission
		elsewhere bool
		o         *domain.Operation
		want      bool
	}{
		{"a key", nil, false, of(key, domain.RoleAdmin, ""), true},
		{"no key", nil, false, of("k7x2mq4a", domain.RoleAdmin, ""), false},
		{"its grant", admissionOf(t, "groups=billing:editor:billing"), false, ann, true},
		{"a wider one", admissionOf(t, "groups=x:viewer", "groups=ops:admin"), false, ann, true},
		{"another role", admissionOf(t, "groups=billing:viewer:billing"), false, ann, false},
		{"another namespace", admissionOf(t, "groups=ops:editor:ops"), false, ann, false},
		{"of all namespaces", admissionOf(t, "groups=ops:editor:ops"), false, of("oidc:ann-7", domain.RoleEditor, ""),
			false},
		{"no provider any more", nil, false, ann, false},
		{"where nobody signs in", nil, true, ann, true},
		{"where no key is known", nil, true, of("k7x2mq4a", domain.RoleAdmin, ""), false},
	} {
		s.Admission, s.Elsewhere = c.admission, c.elsewhere
		if got := s.MayGoOn(c.o); got != c.want {
			t.Errorf("%s: %t", c.what, got)
		}
	}
	s.Admission, s.Elsewhere = admissionOf(t, "groups=ops:admin"), true
	time.Sleep(s.TTL - time.Millisecond)
	if !s.MayGoOn(ann) {
		t.Error("it has ended too early")
	}
	if time.Sleep(time.Millisecond); s.MayGoOn(ann) {
		t.Error("it outlives the session")
	}
	if s.Admission = nil; s.MayGoOn(ann) {
		t.Error("it outlives the session where nobody signs in")
	}
}
