package h2

import (
	"strconv"
	"strings"

	"golang.org/x/net/http2/hpack"
)

// The head of a request comes as HTTP/1.1 writes it. So a request has the same fields,
// order and values in both protocols, by one function (package executor, request.go).

// dropped are the fields that belong to a connection of HTTP/1.1 (section 8.2.2), and
// Host, which is :authority here.
func dropped(name, value string) bool {
	switch name {
	case "host", "connection", "keep-alive", "proxy-connection", "transfer-encoding", "upgrade":
		return true
	case "te":
		return !strings.EqualFold(value, "trailers")
	}
	return false
}

// faultOf returns why an answer with these fields has more than one reading, or "": a proxy that
// turned it into HTTP/1.1 would let others find another end of it (sections 8.1.1 and 8.2.2).
func faultOf(fields []hpack.HeaderField, noBody bool) string {
	length := int64(-1)
	for _, f := range fields {
		switch {
		case f.Name == "transfer-encoding":
			return "it has Transfer-Encoding, which HTTP/2 does not have"
		case f.Name != "content-length" || noBody:
			continue
		}
		n, err := strconv.ParseUint(f.Value, 10, 62)
		switch {
		case err != nil:
			return "its Content-Length is no number"
		case length >= 0 && length != int64(n):
			return "it has two lengths that differ"
		}
		length = int64(n)
	}
	return ""
}

// indexed reports whether a field goes into the table of the connection, and so into the
// memory of both sides: those whose values many calls share. Others, which may be secrets
// of a job, are marked as never to be indexed (RFC 7541, section 7.1.3).
func indexed(name string) bool {
	switch name {
	case ":method", ":scheme", ":authority", "user-agent", "content-type":
		return true
	}
	return false
}

// lowered are the names that most requests have.
var lowered = map[string]string{
	"User-Agent": "user-agent", "Content-Type": "content-type", "Content-Length": "content-length",
	"Idempotency-Key": "idempotency-key", "Belfry-Job-Id": "belfry-job-id",
	"Belfry-Execution-Id": "belfry-execution-id", "Belfry-Scheduled-At": "belfry-scheduled-at",
	"Belfry-Attempt": "belfry-attempt", "Host": "host", "Authorization": "authorization",
}

func lowerName(name string) string {
	if lower, ok := lowered[name]; ok {
		return lower
	}
	return strings.ToLower(name)
}

// eachField calls yield with the fields of a request, pseudo fields first (section 8.3).
func eachField(head string, yield func(name, value string)) {
	line, rest, _ := strings.Cut(head, "\r\n")
	method, line, _ := strings.Cut(line, " ")
	path, _, _ := strings.Cut(line, " ")
	yield(":method", method)
	yield(":scheme", "https")
	yield(":authority", authority(rest))
	yield(":path", path)
	for len(rest) > 0 {
		line, rest, _ = strings.Cut(rest, "\r\n")
		name, value, found := strings.Cut(line, ": ")
		if !found {
			continue
		}
		if name = lowerName(name); !dropped(name, value) {
			yield(name, strings.Trim(value, " \t")) // section 8.2.1
		}
	}
}

// authority returns the value of Host, which is the first field.
func authority(fields string) string {
	line, _, _ := strings.Cut(fields, "\r\n")
	_, value, _ := strings.Cut(line, ": ")
	return value
}

// hpackField returns the field as the encoder takes it.
func hpackField(name, value string) hpack.HeaderField {
	return hpack.HeaderField{Name: name, Value: value, Sensitive: !indexed(name)}
}
