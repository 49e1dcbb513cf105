package access

import (
	"context"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"log/slog"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"golang.org/x/time/rate"
)

const (
	usedEvery   = time.Minute // the use of a key is noted no more often
	usedTimeout = 5 * time.Second

	// A key that another node has made or revoked holds here within a second.
	refreshEvery   = 500 * time.Millisecond
	refreshTimeout = 2 * time.Second
)

// A key begins 60 sessions at once, so that all who share it may come in the morning, and then
// one a minute: those that are ended before their time are remembered, and are bounded.
const (
	SignInBurst = 60
	signInRate  = rate.Limit(1.0 / 60)

	// SignInWindow is how long it takes until a key may begin SignInBurst sessions again.
	SignInWindow = SignInBurst * time.Minute
)

// SafeKeyLength is from how many characters on nobody guesses a key. At 86,400 attempts
// a day from each of 8,192 addresses, a key of 32 hexadecimal digits takes 10^27 years.
// Those that Belfry makes have 128 random bits or more, too.
const SafeKeyLength = 32

// Caller is who makes a request.
type Caller struct {
	Key  string // id of the key, or one of domain's authors without one
	Name string // of the key, or of the person
	Role domain.Role
	// Namespace is the only one whose jobs the caller sees; empty: all.
	Namespace string

	// ExpiresAt is when the key expires, Unix milliseconds; zero: never.
	ExpiresAt int64

	// Guessable tells that the key is short enough to be guessed by many attempts.
	Guessable bool

	// Session is in which session the caller has come; zero: he has come with the key itself.
	Session domain.SessionID

	rate *rate.Limiter // of the key or the person; nil: none
	held *holding      // the key; nil: there is none
}

// Wait returns how long the caller has to wait before the next request; zero: it
// may come now, and is counted. A key may save up the requests of one second.
func (c *Caller) Wait(now time.Time) time.Duration {
	if c.rate == nil {
		return 0
	}
	next := c.rate.ReserveN(now, 1)
	wait := next.DelayFrom(now)
	if wait > 0 {
		next.CancelAt(now) // who is refused does not take the place of who comes later
	}
	return wait
}

// Quota returns how many requests a second the caller may make, and how many of them are
// left now; zero: any number.
func (c *Caller) Quota(now time.Time) (most, remaining int) {
	if c.rate == nil {
		return 0, 0
	}
	return c.rate.Burst(), max(0, int(c.rate.TokensAt(now)))
}

// Config is what a keyring is made of.
type Config struct {
	Store store.Keys
	Clock clock.Clock
	Log   *slog.Logger
	Fixed []string // keys of the settings; each has every right
	Rate  int      // requests a second that one key may make; zero: any number

	Shared bool // other nodes make and revoke keys of the store, too
	People bool // people sign in without a key: then nobody comes in just because there is no key
}

// Keyring holds every key that opens the API.
type Keyring struct {
	Config

	edits  sync.Mutex            // one change of the keys at a time
	edited int                   // counts them
	shut   map[string]bool       // ids of keys whose revocation has an unknown outcome
	held   atomic.Pointer[ring]  // replaced by each change
	fixed  map[[32]byte]*holding // of the settings
}

// ring is what the keyring holds at a time; it is not changed.
type ring map[[32]byte]*holding

// holding is a key in memory.
type holding struct {
	hash   [32]byte
	key    domain.APIKey // without an id for a key of the settings
	caller Caller

	used  atomic.Int64 // Unix milliseconds, to the minute
	noted int64        // what the store has of it; under Run alone

	signIns *rate.Limiter
}

// Open reads the keys of the store.
func Open(ctx context.Context, c Config) (*Keyring, error) {
	if c.Store == nil || c.Clock == nil || c.Log == nil {
		return nil, errors.New("access: Store, Clock and Log are required")
	}
	k := &Keyring{Config: c, fixed: map[[32]byte]*holding{}, shut: map[string]bool{}}
	for _, text := range c.Fixed {
		if text == "" || strings.TrimSpace(text) != text {
			return nil, errors.New("access: an API key must not be empty, nor start or end with a space")
		}
		h := k.hold(domain.APIKey{Hash: sha256.Sum256([]byte(text)), Role: domain.RoleAdmin})
		h.caller.Key, h.caller.Guessable = domain.AuthorEnv, len(text) < SafeKeyLength
		k.fixed[h.hash] = h
	}
	stored, err := c.Store.List(ctx)
	if err != nil {
		return nil, err
	}
	next := make(ring, len(stored)+len(k.fixed))
	maps.Copy(next, k.fixed)
	for _, key := range stored {
		next[key.Hash] = k.hold(key)
	}
	k.held.Store(&next)
	return k, nil
}

func (k *Keyring) hold(key domain.APIKey) *holding {
	h := &holding{hash: key.Hash, key: key, caller: Caller{Key: key.ID, Name: key.Name, Role: key.Role,
		Namespace: key.Namespace, ExpiresAt: key.ExpiresAt}, noted: key.LastUsedAt}
	h.used.Store(key.LastUsedAt)
	h.caller.held, h.signIns = h, rate.NewLimiter(signInRate, SignInBurst)
	if k.Rate > 0 {
		h.caller.rate = rate.NewLimiter(rate.Limit(k.Rate), k.Rate)
	}
	return h
}

// Empty reports whether there is nothing to come in with: no key is set at all, and nobody signs in without one. A
// key that has expired counts: time must not open a door.
func (k *Keyring) Empty() bool { return !k.People && len(*k.held.Load()) == 0 }

// Find returns who holds a key, or false.
func (k *Keyring) Find(text string) (Caller, bool) {
	return k.findHash(sha256.Sum256([]byte(text)))
}

// findHash is Find by the hash of a key.
func (k *Keyring) findHash(hash [32]byte) (Caller, bool) {
	h, ok := (*k.held.Load())[hash]
	if !ok || subtle.ConstantTimeCompare(h.hash[:], hash[:]) != 1 {
		return Caller{}, false
	}
	now := clock.NowMs(k.Clock)
	if !h.key.Opens(now) {
		return Caller{}, false
	}
	if now-h.used.Load() >= usedEvery.Milliseconds() {
		h.used.Store(now)
	}
	return h.caller, true
}

// Holds reports whether an author of a request may still do what he might do then. A key must not
// be revoked or expired. Who came without one may go on as long as there is none. What people may who have signed in by
// OpenID Connect is not known here: see [Sessions.MayGoOn].
func (k *Keyring) Holds(author domain.Author) bool {
	switch author.Key {
	case domain.AuthorEnv:
		return len(k.fixed) > 0
	case domain.AuthorLoopback, domain.AuthorAnonymous:
		return k.Empty()
	}
	for _, h := range *k.held.Load() {
		if h.key.ID == author.Key {
			return h.key.Opens(clock.NowMs(k.Clock))
		}
	}
	return false
}

// List returns the stored keys, oldest first, with their latest use.
func (k *Keyring) List(ctx context.Context) ([]domain.APIKey, error) {
	stored, err := k.Store.List(ctx)
	held := *k.held.Load()
	for i := range stored {
		if h := held[stored[i].Hash]; h != nil {
			stored[i].LastUsedAt = max(stored[i].LastUsedAt, h.used.Load())
		}
	}
	return stored, err
}

// Create makes a key of the name, role, namespace and expiry that are given and returns it
// with its text, which nobody can show again. Errors are *[domain.Error] where
// the caller can do something about them.
func (k *Keyring) Create(ctx context.Context, want domain.APIKey) (text string, key domain.APIKey, err error) {
	k.edits.Lock()
	defer k.edits.Unlock()
	k.edited++
	text, key = domain.NewAPIKey()
	key.Name, key.Role, key.Namespace, key.ExpiresAt, key.CreatedAt = want.Name, want.Role, want.Namespace,
		want.ExpiresAt, clock.NowMs(k.Clock)
	if err := key.Validate(); err != nil {
		return "", key, err
	}
	held := *k.held.Load()
	switch {
	case len(held)-len(k.fixed) >= domain.MaxKeys:
		return "", key, domain.Conflict("there are %d keys already: revoke some", domain.MaxKeys)
	case len(held) == 0 && !key.Lasting():
		return "", key, domain.InvalidAs(domain.FieldContradiction, "role",
			"must be admin, without an expiry: this is the first key, and "+
				"somebody has to be able to make others", key.Role)
	}
	if err := k.Store.Add(ctx, key); err != nil {
		return "", key, err
	}
	next := maps.Clone(held)
	next[key.Hash] = k.hold(key)
	k.held.Store(&next)
	return text, key, nil
}

// Revoke ends a key. It opens nothing any more from the moment that Revoke is
// called, and stays shut when the store fails: then nobody knows whether a
// restart would still know the key, and the caller asks again. The store refuses to end
// the last key that lets an admin in, unless there is one in the settings.
func (k *Keyring) Revoke(ctx context.Context, id string) (domain.APIKey, error) {
	k.edits.Lock()
	defer k.edits.Unlock()
	k.edited++
	held := *k.held.Load()
	var found *holding
	others := 0 // that keep the door open
	for _, h := range held {
		if h.key.ID == id {
			found = h
		} else if h.key.Lasting() {
			others++
		}
	}
	gone := domain.APIKey{ID: id} // perhaps one whose revocation, or making, was not answered
	if found != nil {
		gone = found.key
		if len(k.fixed) == 0 && gone.Lasting() && others == 0 {
			return gone, store.LastKey(id)
		}
		next := maps.Clone(held)
		delete(next, found.hash)
		k.held.Store(&next)
	}
	gone.RevokedAt = clock.NowMs(k.Clock)
	err := k.Store.Revoke(ctx, id, gone.RevokedAt, len(k.fixed) == 0)
	switch code := domain.ErrorCode(err); {
	case err == nil, code == domain.CodeNotFound:
		delete(k.shut, id)
	case code == domain.CodeConflict: // another node has ended the others
		k.held.Store(&held)
	default:
		k.shut[id] = true
	}
	return gone, err
}

// Refresh follows what other nodes have done to the keys. Those that stay keep their rate and
// their latest use. A key whose revocation here has an unknown outcome stays shut.
func (k *Keyring) Refresh(ctx context.Context) error {
	k.edits.Lock()
	edited := k.edited
	k.edits.Unlock()
	stored, err := k.Store.List(ctx)
	if err != nil {
		return err
	}
	k.edits.Lock()
	defer k.edits.Unlock()
	if edited != k.edited {
		return nil // the list may be older than the change: the next one is not
	}
	held := *k.held.Load()
	next := make(ring, len(stored)+len(k.fixed))
	maps.Copy(next, k.fixed)
	shut := make(map[string]bool, len(k.shut))
	for _, key := range stored {
		h := held[key.Hash]
		switch {
		case k.shut[key.ID]:
			shut[key.ID] = true
			continue
		case h == nil:
			h = k.hold(key)
		}
		next[key.Hash] = h
	}
	k.held.Store(&next)
	k.shut = shut
	return nil
}

// Run notes each minute when keys were used, until the context ends, and then
// once more. Where other nodes change the keys, it follows them twice a second.
func (k *Keyring) Run(ctx context.Context) {
	every, noted, failing := usedEvery, k.Clock.Mark(), false
	if k.Shared {
		every = refreshEvery
	}
	for clock.Wait(ctx, every) {
		if k.Shared {
			failing = k.follow(ctx, failing)
		}
		if k.Clock.Elapsed(noted) >= usedEvery {
			k.note(ctx)
			noted = k.Clock.Mark()
		}
	}
	k.note(context.WithoutCancel(ctx))
}

// follow refreshes the keys, and logs when that begins to fail and when it works again.
func (k *Keyring) follow(ctx context.Context, failing bool) bool {
	ctx, cancel := context.WithTimeout(ctx, refreshTimeout)
	defer cancel()
	switch err := k.Refresh(ctx); {
	case err != nil && !failing:
		k.Log.Warn("the keys could not be read: keys that other nodes make or revoke are not followed",
			telemetry.KeyError, err)
		return true
	case err == nil && failing:
		k.Log.Info("the keys were read again")
		return false
	}
	return failing
}

// note writes the uses that the store does not have.
func (k *Keyring) note(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, usedTimeout)
	defer cancel()
	at := map[string]int64{}
	var fresh []*holding
	for _, h := range *k.held.Load() {
		if used := h.used.Load(); used > h.noted && h.key.ID != "" {
			at[h.key.ID] = used
			fresh = append(fresh, h)
		}
	}
	if len(at) == 0 {
		return
	}
	if err := k.Store.Used(ctx, at); err != nil {
		k.Log.Warn("the last use of keys could not be stored; the next attempt is in a minute",
			telemetry.KeyCount, len(at), telemetry.KeyError, err)
		return
	}
	for _, h := range fresh {
		h.noted = at[h.key.ID]
	}
}
