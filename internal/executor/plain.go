package executor

import (
	"bytes"
	"time"
)

// Almost every answer is a success of a few hundred bytes that arrives whole with the
// first read. Only its status matters, and whether the connection can be used again. So
// it is scanned once, while the parser would fill buffers, which costs a twentieth of a
// fire. Everything unusual is left to the parser. FuzzPlainSuccess compares the two.

// plainSuccess returns the status of an answer that is exactly one whole HTTP/1.1
// response with a status of 200 to 299, a body of stated length below maxBody, and no
// header field that changes what these mean. For any other answer the status is 0. It
// must not be used for the answer to a HEAD request. keeps is the result of
// keepAliveTimeout.
func plainSuccess(answer []byte, maxBody int) (status int, keeps time.Duration) {
	const statusLine = len("HTTP/1.1 200 ")
	if len(answer) < statusLine || string(answer[:10]) != "HTTP/1.1 2" || answer[statusLine-1] != ' ' {
		return 0, 0
	}
	tens, ones := answer[10]-'0', answer[11]-'0'
	if tens > 9 || ones > 9 {
		return 0, 0
	}
	if status = 200 + 10*int(tens) + int(ones); status == 204 {
		return 0, 0
	}
	reason, rest, ok := plainLine(answer[statusLine:])
	if !ok || !isText(reason) {
		return 0, 0
	}
	for length := -1; ; {
		var line []byte
		switch line, rest, ok = plainLine(rest); {
		case !ok:
			return 0, 0
		case len(line) > 0:
			if length, ok = plainField(line, length); !ok {
				return 0, 0
			}
			if name, value, _ := bytes.Cut(line, colon); line[0]|0x20 == 'k' && bytes.EqualFold(name, fieldKeepAlive) {
				keeps = keepAliveTimeout(value)
			}
		case length == len(rest) && length < maxBody:
			return status, keeps
		default:
			return 0, 0
		}
	}
}

// plainLine cuts off a line that ends with CR and LF.
func plainLine(b []byte) (line, rest []byte, ok bool) {
	i := bytes.IndexByte(b, '\n')
	if i < 1 || b[i-1] != '\r' {
		return nil, nil, false
	}
	return b[:i-1], b[i+1:], true
}

// plainField reports whether a header field leaves the response plain. length is
// what Content-Length has said so far, or -1.
func plainField(line []byte, length int) (int, bool) {
	i := bytes.IndexByte(line, ':')
	if i < 1 || !isName(line[:i]) {
		return 0, false
	}
	name, value := line[:i], line[i+1:]
	switch {
	case name[0]|0x20 == 'c' && bytes.EqualFold(name, fieldContentLength):
		if length >= 0 {
			return 0, false
		}
		return plainLength(value)
	case name[0]|0x20 == 'c' && bytes.EqualFold(name, fieldConnection):
		return length, bytes.EqualFold(value, valueKeepAlive)
	case name[0]|0x20 == 't': // Transfer-Encoding, Trailer
		return 0, false
	}
	return length, isText(value)
}

var (
	fieldContentLength = []byte("Content-Length")
	fieldConnection    = []byte("Connection")
	fieldKeepAlive     = []byte("Keep-Alive")
	colon              = []byte(":")
	valueKeepAlive     = []byte(" keep-alive")
)

// plainLength reads a length of one to three digits after a space: a longer body
// has not come whole.
func plainLength(value []byte) (n int, ok bool) {
	if len(value) < 2 || len(value) > 4 || value[0] != ' ' {
		return 0, false
	}
	for _, c := range value[1:] {
		if c < '0' || c > '9' {
			return 0, false
		}
		n = n*10 + int(c-'0')
	}
	return n, true
}

// isName reports whether all bytes are letters, digits or hyphens.
func isName(b []byte) bool {
	for _, c := range b {
		if !nameBytes[c] {
			return false
		}
	}
	return true
}

var nameBytes = func() (is [256]bool) {
	for c := range is {
		is[c] = c == '-' || '0' <= c && c <= '9' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
	}
	return is
}()

// isText reports whether all bytes are printable ones of ASCII.
func isText(b []byte) bool {
	for _, c := range b {
		if c-' ' > '~'-' ' {
			return false
		}
	}
	return true
}
