package certs

import (
	"crypto/x509"
	"fmt"
	"slices"
	"strings"
	"time"
)

const (
	soonDays   = 21
	urgentDays = 7
	day        = 24 * time.Hour

	// currentFor is how long a fact counts without a new handshake. Connections live for 5 min
	// at most, so a host without a handshake in 35 days has not been called in a month.
	currentFor = 35 * day
	// maxShown is how many hosts a warning names, and First returns at most.
	maxShown = 5
	// MaxFirst is how many hosts a metric has: those that expire first.
	MaxFirst = 20
)

// Level says how urgent the renewal of a certificate is.
type Level int

// The levels, the more urgent the greater.
const (
	LevelNone    Level = iota
	LevelSoon          // it expires within 21 days
	LevelUrgent        // it expires within 7 days
	LevelExpired       // a handshake after the expiry still showed it
)

// Level returns the level of a certificate, by what was seen of it. A certificate that is
// valid for less than 84 days is to be renewed later: it is "soon" in the last quarter of its
// time, and "urgent" in the last twelfth, which for one of 90 days is 21 and 7 days. After
// the expiry, only a handshake shows whether it was renewed.
func (f *Fact) Level(now time.Time) Level {
	life := f.NotAfter.Sub(f.NotBefore)
	rest := f.Expires.Sub(now)
	switch {
	case f.Unchecked, now.Sub(f.SeenAt) > currentFor:
		return LevelNone
	case f.SeenAt.After(f.Expires):
		return LevelExpired
	case rest < 0:
		return LevelNone
	case rest <= min(urgentDays*day, life/12):
		return LevelUrgent
	case rest <= min(soonDays*day, life/4):
		return LevelSoon
	}
	return LevelNone
}

// Text says when the certificate expires, for people.
func (f *Fact) Text(now time.Time) string {
	subject := "the certificate of " + f.Host.String()
	if f.Expires.Before(f.NotAfter) && f.Level(now) != LevelExpired {
		subject = "an authority in the chain of " + f.Host.String()
	}
	return textOf(subject, f.Expires, now)
}

func textOf(subject string, expires, now time.Time) string {
	if now.After(expires) {
		return fmt.Sprintf("%s expired on %s, %s ago", subject, date(expires), roughly(now.Sub(expires)))
	}
	return fmt.Sprintf("%s expires in %s, on %s", subject, roughly(expires.Sub(now)), date(expires))
}

// Own returns the level of a certificate of this server, and a text if there is something to renew.
func Own(subject string, cert *x509.Certificate, now time.Time) (Level, string) {
	f := Fact{NotBefore: cert.NotBefore, NotAfter: cert.NotAfter, Expires: cert.NotAfter, SeenAt: now}
	level := f.Level(now)
	if level == LevelNone {
		return level, ""
	}
	return level, textOf(subject, cert.NotAfter, now)
}

// Warning names the hosts whose certificates are to be renewed, the most urgent first, or returns "".
func (f *Facts) Warning(now time.Time) string {
	var texts []string
	for _, fact := range f.All() {
		if fact.Level(now) > LevelNone {
			texts = append(texts, fact.Text(now))
		}
	}
	if more := len(texts) - maxShown; more > 0 {
		return fmt.Sprintf("%s; and %d more", strings.Join(texts[:maxShown], "; "), more)
	}
	return strings.Join(texts, "; ")
}

// Rising returns the facts with a level that is higher than at the last call, the most urgent
// first: each host appears once for each level of a certificate.
func (f *Facts) Rising(now time.Time) []Fact {
	f.mu.Lock()
	var rising []Fact
	for _, known := range f.byHost.values() {
		if level := known.Level(now); level > known.reported {
			known.reported = level
			rising = append(rising, known.Fact)
		}
	}
	f.mu.Unlock()
	slices.SortFunc(rising, func(a, b Fact) int { return a.Expires.Compare(b.Expires) })
	return rising
}

// First returns the facts that expire first, MaxFirst at most. Hosts whose certificates nobody verifies, and those
// that are not called any more, are not among them.
func (f *Facts) First(now time.Time) []Fact {
	first := make([]Fact, 0, MaxFirst)
	for _, fact := range f.All() {
		if fact.Unchecked || now.Sub(fact.SeenAt) > currentFor {
			continue
		}
		if first = append(first, fact); len(first) == MaxFirst {
			break
		}
	}
	return first
}
