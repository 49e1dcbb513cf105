package domain

import "crypto/rand"

// MaxEndedSessions bounds how many sessions are known to have ended before their time. A key
// signs in once a minute in the long run, so that one alone ends 720 in twelve hours.
const MaxEndedSessions = 10_000

// SessionID is the random id of a session of a browser. It is no secret: it opens nothing.
type SessionID [16]byte

// NewSessionID returns a random id.
func NewSessionID() (id SessionID) {
	_, _ = rand.Read(id[:]) // never fails
	return id
}

// EndedSession is a session that was ended before its time. All others need not be known: what
// they are is in the cookie.
type EndedSession struct {
	ID        SessionID
	ExpiresAt int64 // when it ends by itself, and need not be known any more; Unix milliseconds
}
