package executor

import (
	"errors"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/executor/h2"
	"golang.org/x/net/http2/hpack"
)

// errNoStreams says that a call has waited for as long as it may for a host that allows none.
var errNoStreams = errors.New("allows no calls now (SETTINGS_MAX_CONCURRENT_STREAMS is 0)")

// maxSentAgain is how often a request that was certainly not processed is sent again
// within one attempt.
const maxSentAgain = 3

// pauseBeforeSending returns how long to wait before a request is sent for the n-th time
// again: a target that refuses streams is asked at once, and then has time.
func pauseBeforeSending(n int) time.Duration {
	return [maxSentAgain + 1]time.Duration{1: 0, 2: 10 * time.Millisecond, 3: 100 * time.Millisecond}[n]
}

// Header implements h2.Answer.
func (r *response) Header(status int, fields []hpack.HeaderField) {
	r.inBody = true
	r.head.status, r.head.minor = status, 1
	if r.trace != nil {
		r.headedAt = monotonic.Now()
		traceFields(r.trace, fields)
	}
	for _, f := range fields {
		switch known := fieldOf([]byte(f.Name)); known {
		case fieldNone, fieldEncoding, fieldConnections, fieldKeep: // the last three belong to HTTP/1.1
			continue
		default:
			r.long = append(append(append(r.long[:0], f.Name...), ':'), f.Value...)
			r.head.add(r.long, false)
		}
	}
	r.head.finish()
}

// Data implements h2.Answer.
func (r *response) Data(p []byte) (more bool) {
	r.bodyRead += len(p)
	if r.trace != nil {
		traceBody(&r.trace.Response, p)
		r.trace.Response.Cut = r.trace.Response.Cut || r.bodyRead >= r.cfg.MaxResponseBytes
	}
	if domain.VerdictOf(r.head.status) != domain.VerdictSuccess {
		r.snippet = append(r.snippet, p[:min(len(p), maxSnippetBytes-len(r.snippet))]...)
	}
	return r.bodyRead < r.cfg.MaxResponseBytes
}

// phaseOfStream returns how far a stream has come.
func phaseOfStream(s *h2.Stream) phase {
	switch {
	case s.Headed():
		return phaseBody
	case s.Whole():
		return phaseWait
	}
	return phaseSend
}
