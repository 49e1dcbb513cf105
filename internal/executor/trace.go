package executor

import (
	"bytes"
	"fmt"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"golang.org/x/net/http2/hpack"
)

// What is noted of a test call (domain.Call.Trace). A call without a trace costs one comparison
// at each of the places that call these functions, and no memory: TestDoAllocatesNothing.

// traceRequest notes the request that is about to go out.
func traceRequest(t *domain.Trace, req *request) {
	t.Reset()
	_, head, _ := strings.Cut(string(req.head), "\r\n") // a copy: answers are read into this memory
	for line := range strings.SplitSeq(strings.TrimSuffix(head, "\r\n\r\n"), "\r\n") {
		name, value, _ := strings.Cut(line, ": ")
		t.Request.Headers = append(t.Request.Headers, domain.TracedHeader{Name: name, Value: value})
	}
	traceBody(&t.Request, req.body)
}

// traceBody notes a part of a body.
func traceBody(m *domain.TracedMessage, part []byte) {
	m.Bytes += int64(len(part))
	room := domain.MaxTracedBody - len(m.Body)
	m.Body = append(m.Body, part[:min(len(part), room)]...)
	m.Cut = m.Cut || len(part) > room
}

// traceHead notes that a head of an answer begins: an interim one before it does not count.
func traceHead(t *domain.Trace, minor int) {
	t.Response = domain.TracedMessage{}
	t.Protocol = fmt.Sprintf("HTTP/1.%d", minor)
}

// traceLine notes a line of the head of an answer. cut says that there is more of it.
func traceLine(t *domain.Trace, line []byte, cut bool) {
	m := &t.Response
	m.Cut = m.Cut || cut
	if n := len(m.Headers); n > 0 && (line[0] == ' ' || line[0] == '\t') { // the rest of the field before
		m.Headers[n-1].Value += " " + strings.TrimSpace(headerText(line))
		return
	}
	name, value, _ := bytes.Cut(line, colon)
	m.Headers = append(m.Headers, domain.TracedHeader{
		Name: headerText(name), Value: strings.TrimSpace(headerText(value))})
}

// traceFields notes the head of an answer by HTTP/2.
func traceFields(t *domain.Trace, fields []hpack.HeaderField) {
	t.Response = domain.TracedMessage{}
	t.Protocol = "HTTP/2"
	for _, f := range fields {
		t.Response.Headers = append(t.Response.Headers, domain.TracedHeader{
			Name: headerText([]byte(f.Name)), Value: headerText([]byte(f.Value))})
	}
}

// headerText returns bytes of a header as valid UTF-8 without controls.
func headerText(b []byte) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' && r != '\t' || r == 0x7f {
			return utf8.RuneError
		}
		return r
	}, strings.ToValidUTF8(string(b), string(utf8.RuneError)))
}

// traceOpening notes how a connection was got, for which the call has waited since an instant. A call
// that is sent again has several, whose times add up.
func traceOpening(t *domain.Trace, since time.Time, got *supply) {
	opened, w := monotonic.Now(), &t.Times
	if s := got.steps; s != nil {
		opened = s.began
		w.Lookup += s.took[stepLookup]
		w.Connect += s.took[stepConnect]
		w.Handshake += s.took[stepHandshake]
	}
	w.Waited += max(1, opened.Sub(since))
	w.FirstByte = 0 // the answer before it does not count
}

// hideTraced masks secrets in what a target has answered. A body in which they may be in a way
// that is not recognised is left out: one that is compressed, or no text in UTF-8.
func hideTraced(t *domain.Trace, lists ...[]string) {
	secrets := 0
	for _, list := range lists {
		secrets += len(list)
	}
	if secrets == 0 {
		return
	}
	m, encoded := &t.Response, false
	for i := range m.Headers {
		h := &m.Headers[i]
		h.Name, h.Value = hide(h.Name, lists...), hide(h.Value, lists...)
		encoded = encoded || strings.EqualFold(h.Name, fieldNames[fieldContentEncoding]) &&
			!strings.EqualFold(h.Value, "identity")
	}
	if _, text := m.Text(); encoded || !text || isBinary(m.Body) {
		m.Withheld, m.Body = len(m.Body) > 0, nil
		return
	}
	m.Body = []byte(hideUpTo(maxComparedBody, string(m.Body), lists...))
}

// step is a part of opening a connection.
type step int

const (
	stepLookup step = iota
	stepConnect
	stepHandshake
	stepCount
)

// openSteps are how long the steps of an opening took. nil: nobody asks.
type openSteps struct {
	began time.Time
	since time.Time // when the step that is under way began
	took  [stepCount]time.Duration
}

// newOpenSteps returns those of an opening that begins now.
func newOpenSteps() *openSteps {
	now := monotonic.Now()
	return &openSteps{began: now, since: now}
}

// end notes that a step has ended, well or not. One that is made twice takes the sum.
func (s *openSteps) end(which step) {
	if s == nil {
		return
	}
	now := monotonic.Now()
	s.took[which] += max(1, now.Sub(s.since))
	s.since = now
}
