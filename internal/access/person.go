package access

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"golang.org/x/time/rate"
)

const (
	maxSubject    = 255 // OpenID Connect Core, section 2
	maxPersonName = 200 // bytes

	// maxPeople bounds for how many people it is kept how often they have signed in: 10,000 times 300 bytes.
	maxPeople = 10_000
)

// Why somebody whom the provider knows does not come in.
var (
	ErrNoSubject  = errors.New("the provider has not said who it is, in at most 255 characters that are seen")
	ErrNotGranted = errors.New("no grant of the settings is about this person")
	ErrNoProvider = errors.New("no provider of OpenID Connect is set")
)

// Admission says who comes in without a key: the provider of OpenID Connect whose word about people counts, and what
// they may do of whom it tells.
type Admission struct {
	Issuer, ClientID, ClientSecret string
	Grants                         []Grant
}

// Claims returns the names of the claims on which it depends what somebody may do.
func (a *Admission) Claims() (names []string) {
	for _, g := range a.Grants {
		names = append(names, g.Claim)
		if g.Claim == "email" {
			names = append(names, "email_verified")
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// mac authenticates what a session of a person depends on: another provider, client or secret of it, or other grants
// give another one. Nobody makes one up who does not have the secret.
func (a *Admission) mac() []byte {
	h := hmac.New(sha256.New, []byte(a.ClientSecret))
	h.Write(seal.Place("people", a.Issuer, a.ClientID)) // never fails
	for _, g := range a.Grants {
		h.Write(seal.Place(g.Claim, g.Value, string(g.Role), g.Namespace))
	}
	return h.Sum(nil)[:16]
}

// person is somebody who has signed in by the provider, as it is in the ticket of a session.
type person struct {
	Subject string `json:"sub"`
	Name    string `json:"name,omitempty"`
	Grant   int    `json:"grant"` // place of the one that counts
	MAC     []byte `json:"mac"`   // of the provider and the grants then
}

// personOf returns whom the claims of a verified token are about.
func (a *Admission) personOf(claims map[string]any) (who person, err error) {
	subject, _ := claims["sub"].(string)
	if subject == "" || len(subject) > maxSubject || visible(subject) != subject {
		return who, ErrNoSubject
	}
	granted, ok := Grants(a.Grants, claims)
	if !ok {
		return who, ErrNotGranted
	}
	return person{subject, nameOf(claims), slices.Index(a.Grants, granted), a.mac()}, nil
}

// nameOf returns what a person is called in the trail. An address counts only where the provider has verified it:
// otherwise somebody could pass for somebody else.
func nameOf(claims map[string]any) string {
	text := func(name string) string {
		t, _ := claims[name].(string)
		return t
	}
	email := ""
	if verified, _ := claims["email_verified"].(bool); verified {
		email = text("email")
	}
	name := strings.TrimSpace(visible(cmp.Or(email, text("preferred_username"), text("name"))))
	for len(name) > maxPersonName {
		_, size := utf8.DecodeLastRuneInString(name)
		name = name[:len(name)-size]
	}
	return name
}

// visible returns a text without what is not seen: controls, characters of no width, those that change the order.
func visible(text string) string {
	return strings.Map(func(r rune) rune {
		if r == utf8.RuneError || !unicode.IsPrint(r) {
			return -1
		}
		return r
	}, text)
}

// callerOf returns who a person is to the API, or false: what the session has begun under holds no more.
func (a *Admission) callerOf(who *person) (Caller, bool) {
	if a == nil || subtle.ConstantTimeCompare(who.MAC, a.mac()) != 1 || who.Grant < 0 || who.Grant >= len(a.Grants) {
		return Caller{}, false
	}
	g := &a.Grants[who.Grant]
	return Caller{Key: domain.AuthorOIDC + who.Subject, Name: who.Name, Role: g.Role, Namespace: g.Namespace}, true
}

// gives reports whether a grant gives somebody a role in a namespace; empty: in all.
func (a *Admission) gives(role domain.Role, namespace string) bool {
	return a != nil && slices.ContainsFunc(a.Grants, func(g Grant) bool {
		return g.Role.Covers(role) && (g.Namespace == "" || g.Namespace == namespace)
	})
}

// people keeps how much each person has asked for of late. Beyond maxPeople, it is not known of some.
type people struct {
	perSecond int // requests of one person; zero: any number

	mu    sync.Mutex
	known map[string]*allowance // by subject
}

// allowance is what a person may still do.
type allowance struct {
	rate    *rate.Limiter // of requests; nil: any number
	signIns *rate.Limiter
}

func newPeople(perSecond int) *people {
	return &people{perSecond: perSecond, known: map[string]*allowance{}}
}

// of returns the allowance of a person.
func (ps *people) of(subject string) *allowance {
	ps.mu.Lock()
	defer ps.mu.Unlock()
	if a := ps.known[subject]; a != nil {
		return a
	}
	if len(ps.known) >= maxPeople {
		for other := range ps.known { // any of them
			delete(ps.known, other)
			break
		}
	}
	a := &allowance{signIns: rate.NewLimiter(signInRate, SignInBurst)}
	if ps.perSecond > 0 {
		a.rate = rate.NewLimiter(rate.Limit(ps.perSecond), ps.perSecond)
	}
	ps.known[subject] = a
	return a
}
