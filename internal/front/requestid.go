package front

import (
	"crypto/rand"
	"net/http"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// RequestIDHeader names a request: in its answer, and in each line that the server logs for
// it.
const RequestIDHeader = "X-Request-Id"

// MaxRequestID is the longest id that is taken from a client. The usual ones are a UUID
// (36 characters) or those of a proxy (AWS: 35, W3C traceparent: 55). It bounds what a
// client can write into each line of the log.
const MaxRequestID = 128

// requestIDMarks are the characters of an id beside letters and digits: those of UUIDs,
// base64, traceparent and AWS. None of them has a meaning in a header, in a log line, in
// JSON or in a shell's quotes.
const requestIDMarks = "-_.~:+/=@"

// requestID returns the id that the client has chosen, if it is well formed, or a new
// one. An id in which an API key was sent by mistake is not taken, since it is logged.
func requestID(h http.Header) string {
	if given := h[RequestIDHeader]; len(given) == 1 && wellFormedID(given[0]) && domain.MaskKeys(given[0]) == given[0] {
		return given[0]
	}
	return rand.Text()
}

func wellFormedID(id string) bool {
	if id == "" || len(id) > MaxRequestID {
		return false
	}
	for i := range len(id) {
		c := id[i]
		letter := c|0x20 >= 'a' && c|0x20 <= 'z'
		if !letter && (c < '0' || c > '9') && strings.IndexByte(requestIDMarks, c) < 0 {
			return false
		}
	}
	return true
}
