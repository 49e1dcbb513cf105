package access

import (
	"context"
	"encoding/json"
	"errors"
	"maps"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"golang.org/x/time/rate"
)

// maxTicket bounds a text. One of a key has some 300 bytes, one of a person usually 500. With the longest subject and
// name, each byte of which takes six in JSON, it has 3,973. Browsers take a cookie of 4,096 bytes, its name included.
const maxTicket = 4_000

// sessionPlace is what the sealed text is bound to: nothing that is sealed for another purpose
// is taken for a session.
var sessionPlace = seal.Place("session of a browser")

// SessionConfig is what sessions are made of.
type SessionConfig struct {
	Keys    *Keyring
	Secrets [][]byte      // 32 bytes each: the first one seals, any one opens
	TTL     time.Duration // how long a session lasts at most
	Idle    time.Duration // how long it lasts without a request

	Admission *Admission // by whose word people come in without a key; nil: nobody does

	// Elsewhere is set where nobody signs in, but at other servers of the cluster: their grants are not known here.
	Elsewhere bool
}

// Sessions are those who have signed in. What a session is, is in a sealed text that the browser
// keeps, so that each server which has the same secrets knows it. What is kept here is which
// sessions were ended before their time.
type Sessions struct {
	SessionConfig
	box    *seal.Box
	people *people

	mu    sync.RWMutex
	ended map[domain.SessionID]int64 // when they would have ended by themselves
}

// Session is one that has begun, or goes on.
type Session struct {
	Caller Caller
	Text   string // for the browser; empty: it has the right one
}

// ticket is what a session is, in the sealed text. Times are Unix milliseconds.
type ticket struct {
	ID    domain.SessionID `json:"id"`
	Key   []byte           `json:"key,omitempty"` // SHA-256 of the key with which it began
	Began int64            `json:"began"`
	Seen  int64            `json:"seen"` // when the text was made
	Ends  int64            `json:"ends"`

	Person *person `json:"person,omitempty"` // who has begun it without a key; nil: it has begun with one
}

// OpenSessions reads which sessions were ended.
func OpenSessions(ctx context.Context, c SessionConfig) (*Sessions, error) {
	if c.Keys == nil || c.TTL <= 0 || c.Idle <= 0 {
		return nil, errors.New("access: Keys, TTL and Idle are required")
	}
	keys := make([]seal.Key, len(c.Secrets))
	for i, secret := range c.Secrets {
		var err error
		if keys[i], err = seal.KeyOf(secret); err != nil {
			return nil, err
		}
	}
	box, err := seal.NewBox(keys...)
	if err != nil {
		return nil, err
	}
	s := &Sessions{SessionConfig: c, box: box, people: newPeople(c.Keys.Rate), ended: map[domain.SessionID]int64{}}
	if err := s.Refresh(ctx); err != nil {
		return nil, err
	}
	return s, nil
}

// Begin begins a session of a caller who has come with a key. If the key has begun too many,
// wait is how long it takes until it may begin the next one.
func (s *Sessions) Begin(c *Caller) (begun Session, wait time.Duration, err error) {
	if c.held == nil {
		return begun, 0, errors.New("access: a session begins with a key")
	}
	return s.begin(&ticket{Key: c.held.hash[:]}, c, c.held.signIns)
}

// BeginAs begins a session of whom the claims of a verified token are about. If the person has begun too many, wait is
// how long it takes until the next one. The error is one of [ErrNoProvider] and those beside it.
func (s *Sessions) BeginAs(claims map[string]any) (begun Session, wait time.Duration, err error) {
	if s.Admission == nil {
		return begun, 0, ErrNoProvider
	}
	who, err := s.Admission.personOf(claims)
	if err != nil {
		return begun, 0, err
	}
	t := ticket{Person: &who}
	caller, _ := s.whoever(&t)
	return s.begin(&t, &caller, s.people.of(who.Subject).signIns)
}

// begin begins a session, unless too many have begun.
func (s *Sessions) begin(t *ticket, c *Caller, signIns *rate.Limiter) (begun Session, wait time.Duration, err error) {
	now := s.Keys.Clock.Now()
	place := signIns.ReserveN(now, 1)
	if wait = place.DelayFrom(now); wait > 0 {
		place.CancelAt(now)
		return begun, wait, nil
	}
	ms := now.UnixMilli()
	t.ID, t.Began, t.Seen, t.Ends = domain.NewSessionID(), ms, ms, ms+s.TTL.Milliseconds()
	begun.Caller = t.of(*c)
	begun.Text, err = s.sealed(t)
	return begun, 0, err
}

// whoever returns who has begun a session, or false: whoever it was may not come in any more.
func (s *Sessions) whoever(t *ticket) (c Caller, ok bool) {
	if t.Person == nil {
		return s.Keys.findHash([32]byte(t.Key))
	}
	if c, ok = s.Admission.callerOf(t.Person); ok && s.Keys.Rate > 0 {
		c.rate = s.people.of(t.Person.Subject).rate
	}
	return c, ok
}

// of returns a caller in the session.
func (t *ticket) of(c Caller) Caller {
	c.Session = t.ID
	if c.ExpiresAt == 0 || c.ExpiresAt > t.Ends {
		c.ExpiresAt = t.Ends
	}
	return c
}

func (s *Sessions) sealed(t *ticket) (string, error) {
	text, err := json.Marshal(t)
	if err != nil {
		return "", err
	}
	sealed, err := s.box.Seal(sessionPlace, string(text))
	return strings.TrimPrefix(sealed, seal.Prefix), err
}

// Find returns the session of a text, or false. It does not tell why a text is none. A session goes
// on only while its key opens, with the role and the namespace that the key has; one of a person while the provider and
// the grants are those under which it began. The text is renewed when a tenth of the time without a request has passed.
func (s *Sessions) Find(text string) (Session, bool) {
	if len(text) > maxTicket {
		return Session{}, false
	}
	opened, err := s.box.Open(sessionPlace, seal.Prefix+text)
	if err != nil {
		return Session{}, false
	}
	var t ticket
	now := clock.NowMs(s.Keys.Clock)
	if json.Unmarshal([]byte(opened), &t) != nil || !t.holds(now, s.TTL.Milliseconds(), s.Idle.Milliseconds()) ||
		s.isEnded(t.ID) {
		return Session{}, false
	}
	caller, ok := s.whoever(&t)
	if !ok {
		return Session{}, false
	}
	found := Session{Caller: t.of(caller)}
	if now-t.Seen >= s.Idle.Milliseconds()/10 {
		t.Seen = now
		if found.Text, err = s.sealed(&t); err != nil {
			return Session{}, false
		}
	}
	return found, true
}

// holds reports whether a ticket is whole and has not ended by itself. The settings may have
// changed since it began: the shorter time counts.
func (t *ticket) holds(now, ttl, idle int64) bool {
	hasOne := t.Person == nil && len(t.Key) == 32 || t.Person != nil && len(t.Key) == 0
	return t.ID != domain.SessionID{} && hasOne && now < t.Ends && now-t.Began < ttl && now-t.Seen < idle
}

func (s *Sessions) isEnded(id domain.SessionID) bool {
	s.mu.RLock()
	defer s.mu.RUnlock()
	_, ended := s.ended[id]
	return ended
}

// Holds reports whether a session that a request came with goes on. One without a session does.
func (s *Sessions) Holds(id domain.SessionID) bool { return id == domain.SessionID{} || !s.isEnded(id) }

// End ends the session of a caller. It opens nothing any more at this server from the moment that
// End is called, also when the store fails: then nobody knows whether another server learns of it,
// and the caller asks again.
func (s *Sessions) End(ctx context.Context, c *Caller) error {
	e := domain.EndedSession{ID: c.Session, ExpiresAt: c.ExpiresAt}
	s.mu.Lock()
	s.ended[e.ID] = e.ExpiresAt
	s.mu.Unlock()
	return s.Keys.Store.EndSession(ctx, e, clock.NowMs(s.Keys.Clock))
}

// Refresh follows which sessions other servers have ended, and drops those that would have ended by now.
func (s *Sessions) Refresh(ctx context.Context) error {
	listed, err := s.Keys.Store.EndedSessions(ctx)
	if err != nil {
		return err
	}
	now := clock.NowMs(s.Keys.Clock)
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, e := range listed {
		s.ended[e.ID] = e.ExpiresAt
	}
	maps.DeleteFunc(s.ended, func(_ domain.SessionID, ends int64) bool { return ends <= now })
	return nil
}

// Run follows twice a second which sessions other servers have ended, until the context ends.
func (s *Sessions) Run(ctx context.Context) {
	every, failing := usedEvery, false
	if s.Keys.Shared {
		every = refreshEvery
	}
	for clock.Wait(ctx, every) {
		failing = s.follow(ctx, failing)
	}
}

// follow refreshes, and logs when that begins to fail and when it works again.
func (s *Sessions) follow(ctx context.Context, failing bool) bool {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	switch err := s.Refresh(ctx); {
	case err != nil && !failing:
		s.Keys.Log.Warn("the ended sessions could not be read: those that other nodes end are not followed",
			telemetry.KeyError, err)
		return true
	case err == nil && failing:
		s.Keys.Log.Info("the ended sessions were read again")
		return false
	}
	return failing
}

// MayGoOn reports whether the author of an operation may still do what it does: with a key as [Keyring.Holds] says, and
// somebody who has signed in by OpenID Connect for as long as the session could last at most, while a grant gives the
// role in the namespace.
func (s *Sessions) MayGoOn(o *domain.Operation) bool {
	if !strings.HasPrefix(o.By.Key, domain.AuthorOIDC) {
		return s.Keys.Holds(o.By)
	}
	if clock.NowMs(s.Keys.Clock) >= o.CreatedAt+s.TTL.Milliseconds() {
		return false
	}
	return s.Admission.gives(o.Role, o.Namespace) || s.Admission == nil && s.Elsewhere
}
