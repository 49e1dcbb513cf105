package resolve

import (
	"errors"
	"net"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// reply is what came of a question.
type reply int

const (
	unasked    reply = iota
	unanswered       // or answered with a failure
	negative         // no such name, or no such record of it
	positive
)

// family is an index into what is kept for each address family.
type family int

const (
	ipv4 family = iota
	ipv6
	families
)

// question is what a message to a name server asks.
type question struct {
	id     uint16
	name   string
	family family
}

// exchanges is what was asked and answered in the course of one lookup. Package net
// asks for one name after the other (the search list), for each of them for both
// families, at several name servers until one of them answers.
type exchanges struct {
	mu      sync.Mutex
	name    string          // asked for last
	replies [families]reply // for that name
	failed  bool            // a question for a name before it got no answer
	ttl     time.Duration   // the least of the addresses and the aliases that lead to them; zero if 0 or unknown
	timed   bool            // ttl is set
	no      time.Duration   // the least of the negative answers
	noTimed bool            // no is set
	unmade  error           // a name server could not be connected to for want of files
}

// asked notes a question that is being sent.
func (x *exchanges) asked(q question) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if !strings.EqualFold(x.name, q.name) {
		x.failed = x.failed || x.replies[ipv4] == unanswered || x.replies[ipv6] == unanswered
		x.name, x.replies = q.name, [families]reply{}
	}
	x.replies[q.family] = unanswered
}

// notMade notes why a name server could not be connected to.
func (x *exchanges) notMade(err error) {
	if !IsOutOfFiles(err) {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	x.unmade = err
}

// answered notes what a message says on the question. Messages that are not about it
// are passed over, as package net does: anybody can send them.
func (x *exchanges) answered(q question, message []byte, stream bool) {
	said, ttl, timed := read(q, message, stream)
	if said < negative {
		return
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	if !strings.EqualFold(x.name, q.name) {
		return
	}
	x.replies[q.family] = said
	switch {
	case !timed:
	case said == positive:
		x.ttl, x.timed = least(x.ttl, ttl, x.timed), true
	default:
		x.no, x.noTimed = least(x.no, ttl, x.noTimed), true
	}
}

func least(a, b time.Duration, set bool) time.Duration {
	if set {
		return min(a, b)
	}
	return b
}

// conclude returns the answer of a lookup that package net ended with the addresses or
// the error.
func (x *exchanges) conclude(name string, a Answer, err error) (Answer, error) {
	x.mu.Lock()
	defer x.mu.Unlock()
	a.Missing4, a.Missing6 = x.replies[ipv4] == unanswered, x.replies[ipv6] == unanswered
	if dns, ok := errors.AsType[*net.DNSError](err); ok && x.unmade != nil {
		missing := *dns // package net has kept its text only
		missing.UnwrapErr = x.unmade
		return a, &missing
	}
	switch kindOf(err) {
	case found:
		a.TTL = x.ttl
		if x.name == "" {
			a.TTL = filesTTL
		}
	case absent:
		if x.failed || a.Missing4 || a.Missing6 {
			return a, &net.DNSError{Err: misbehaving, Name: name, IsTemporary: true}
		}
		if x.noTimed {
			a.TTL = max(x.no, minTTL)
		}
	}
	return a, err
}

// misbehaving is what package net says of a name server that answers with a failure.
const misbehaving = "server misbehaving"

// questionOf reads what a message asks. ok is false if it is no question for addresses.
func questionOf(message []byte) (q question, ok bool) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil {
		return q, false
	}
	asked, err := p.Question()
	if err != nil {
		return q, false
	}
	q.id, q.name = header.ID, asked.Name.String()
	switch asked.Type {
	case dnsmessage.TypeA:
		q.family = ipv4
	case dnsmessage.TypeAAAA:
		q.family = ipv6
	default:
		return q, false
	}
	return q, true
}

// read returns what a message says on a question, and for how long. It judges as package
// net does, and takes what it cannot read for no answer.
func read(q question, message []byte, stream bool) (said reply, ttl time.Duration, timed bool) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil || !header.Response || header.ID != q.id || header.Truncated && !stream {
		return unanswered, 0, false
	}
	if about, ok := questionOf(message); !ok || about.family != q.family || !strings.EqualFold(about.name, q.name) {
		return unanswered, 0, false
	}
	if p.SkipAllQuestions() != nil {
		return unanswered, 0, false
	}
	switch header.RCode {
	case dnsmessage.RCodeNameError:
	case dnsmessage.RCodeSuccess:
		addresses, aliases, ttl, err := readAnswers(&p, q.family)
		switch {
		case err != nil, !addresses && !aliases && !header.Authoritative && !header.RecursionAvailable:
			return unanswered, 0, false // unreadable, or a server that knows nothing of the name
		case addresses:
			return positive, ttl, true
		}
	default:
		return unanswered, 0, false
	}
	ttl, timed = readRefusal(&p)
	return negative, ttl, timed
}

// readAnswers reads the section of answers: whether it has addresses of the family, and
// the least TTL of these and of the aliases (CNAME).
func readAnswers(p *dnsmessage.Parser, f family) (addresses, aliases bool, ttl time.Duration, err error) {
	want := [families]dnsmessage.Type{dnsmessage.TypeA, dnsmessage.TypeAAAA}[f]
	for set := false; ; {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return addresses, aliases, ttl, nil
		}
		if err != nil {
			return false, false, 0, err
		}
		if h.Type == want || h.Type == dnsmessage.TypeCNAME {
			addresses, aliases = addresses || h.Type == want, aliases || h.Type != want
			ttl, set = least(ttl, seconds(h.TTL), set), true
		}
		if err := p.SkipAnswer(); err != nil {
			return false, false, 0, err
		}
	}
}

// shorten returns a message without the addresses beyond the first maxPerFamily. Package
// net opens a socket for each address to sort them (RFC 6724): 0.3 s of CPU time for 3,000,
// each time the name is looked up.
func shorten(message []byte) []byte {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil {
		return message
	}
	short := dnsmessage.Message{Header: header}
	if short.Questions, err = p.AllQuestions(); err != nil {
		return message
	}
	for n := 0; n <= maxPerFamily; {
		r, err := p.Answer()
		if err != nil { // the end, or what package net does not read beyond either
			return message
		}
		if r.Header.Type == dnsmessage.TypeA || r.Header.Type == dnsmessage.TypeAAAA {
			n++
		}
		short.Answers = append(short.Answers, r)
	}
	short.Answers = short.Answers[:len(short.Answers)-1]
	packed, err := short.Pack()
	if err != nil || len(packed) > len(message) {
		return message
	}
	return packed
}

// readRefusal returns for how long a negative answer may be kept (RFC 2308, section 5).
func readRefusal(p *dnsmessage.Parser) (ttl time.Duration, timed bool) {
	if p.SkipAllAnswers() != nil {
		return 0, false
	}
	for {
		h, err := p.AuthorityHeader()
		if err != nil {
			return 0, false
		}
		if h.Type == dnsmessage.TypeSOA {
			soa, err := p.SOAResource()
			if err != nil {
				return 0, false
			}
			return min(seconds(h.TTL), seconds(soa.MinTTL)), true
		}
		if p.SkipAuthority() != nil {
			return 0, false
		}
	}
}

// seconds returns a TTL. One with the highest bit is zero (RFC 2181, section 8).
func seconds(ttl uint32) time.Duration {
	if ttl >= 1<<31 {
		return 0
	}
	return time.Duration(ttl) * time.Second
}
