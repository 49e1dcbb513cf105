package receiver

import (
	"bytes"
	"fmt"
	"strconv"
	"time"

	"github.com/google/uuid"
	"github.com/valyala/fasthttp"
)

// visit is a request as it is recorded.
type visit struct {
	Entry
	at      time.Time
	method  []byte // valid until the handler returns
	attempt int    // 1 when the request does not say
	http2   bool
}

const http2Protocol = "HTTP/2.0"

// readVisit reads the headers that Belfry sends. A field is zero if its header is missing
// or invalid.
func readVisit(ctx *fasthttp.RequestCtx, now time.Time, to *route) visit {
	h := &ctx.Request.Header
	v := visit{at: now, method: ctx.Method(), attempt: 1, http2: string(h.Protocol()) == http2Protocol}
	v.ReceivedAt = now.UnixMilli()
	v.ScheduledAt, _ = strconv.ParseInt(string(h.Peek("Belfry-Scheduled-At")), 10, 64)
	v.Attempt, _ = strconv.Atoi(string(h.Peek("Belfry-Attempt")))
	if v.Attempt > 0 {
		v.attempt = v.Attempt
	}
	v.JobID = parseID(h.Peek("Belfry-Job-Id"))
	v.ExecutionID = parseID(h.Peek("Belfry-Execution-Id"))
	path, _, _ := bytes.Cut(h.RequestURI(), []byte("?"))
	if v.Path = to.path; string(path) != to.path { // most requests need no memory of their own
		v.Path = string(path[:min(len(path), maxPathBytes)])
	}
	return v
}

// parseID returns zero if the text is not a UUID of 36 characters.
func parseID(b []byte) [16]byte {
	id, err := uuid.ParseBytes(b)
	if err != nil || len(b) != 36 {
		return [16]byte{}
	}
	return id
}

// appendHuman appends the line for people.
func (v visit) appendHuman(b []byte) []byte {
	b = v.at.AppendFormat(b, "15:04:05.000")
	b = fmt.Appendf(b, "  %3d  %-6s %s", v.Status, v.method, v.Path)
	if v.ScheduledAt != 0 {
		b = fmt.Appendf(b, "  %+d ms", v.at.Sub(time.UnixMilli(v.ScheduledAt)).Milliseconds())
	}
	if v.JobID != [16]byte{} {
		b = fmt.Appendf(b, "  job %s", v.JobID)
	}
	if v.Attempt > 1 {
		b = fmt.Appendf(b, "  attempt %d", v.Attempt)
	}
	return append(b, '\n')
}
