package executor

import (
	"bufio"
	"bytes"
	"errors"
	"math"
	"net/http"
)

// ending is how the end of a body is found (RFC 9112, section 6.3).
type ending int

const (
	bodyNone ending = iota
	bodyChunked
	bodyLength
	bodyToEnd // of the connection
	bodyBroken
)

// framingOf decides by the rules of that section, in their order.
func framingOf(method string, r *reply) ending {
	switch {
	case method == http.MethodHead, r.status >= 100 && r.status < 200, r.status == 204, r.status == 304:
		return bodyNone // rule 1
	case r.encoded && r.chunked:
		return bodyChunked // rules 3 and 4
	case r.broken != "":
		return bodyBroken // rule 5
	case r.encoded:
		return bodyToEnd // rule 4
	case r.length != noLength:
		return bodyLength // rule 6
	}
	return bodyToEnd // rule 8
}

// readChunkSize reads the line before a chunk. Its extensions are passed over.
func readChunkSize(br *bufio.Reader) (size int64, crlf bool, err error) {
	line, err := br.ReadSlice('\n')
	size, ok := parseChunkSize(line)
	if errors.Is(err, bufio.ErrBufferFull) {
		if !ok {
			return 0, false, &unreadable{"a chunk has no size"}
		}
		for errors.Is(err, bufio.ErrBufferFull) { // ends with the budget at the latest
			line, err = br.ReadSlice('\n')
		}
	}
	switch {
	case err != nil:
		return 0, false, err
	case !ok:
		return 0, false, &unreadable{"a chunk has no size"}
	}
	return size, bytes.HasSuffix(line, []byte("\r\n")), nil
}

// parseChunkSize reads the hexadecimal number at the start of a line, which ends
// with it, with white space or with an extension.
func parseChunkSize(line []byte) (size int64, ok bool) {
	line = bytes.TrimLeft(line, " \t")
	i := 0
	for ; i < len(line) && nibbles[line[i]] < 16; i++ {
		if size > math.MaxInt64>>4 {
			size = math.MaxInt64 >> 4
		}
		size = size<<4 | int64(nibbles[line[i]])
	}
	if i == 0 || i == len(line) {
		return 0, false
	}
	c := line[i]
	return size, c == ';' || isGap(c) || c == '\n'
}

var nibbles = func() (of [256]byte) {
	for c := range of {
		of[c] = 16
	}
	for i := range 10 {
		of['0'+i] = byte(i)
	}
	for i := range 6 {
		of['a'+i], of['A'+i] = byte(10+i), byte(10+i)
	}
	return of
}()

// skipTrailer passes over the trailer as far as it has come, and reports whether
// that was its end.
func skipTrailer(br *bufio.Reader) bool {
	for {
		b, _ := br.Peek(br.Buffered())
		i := bytes.IndexByte(b, '\n')
		if i < 0 {
			return false
		}
		_, _ = br.Discard(i + 1)
		if i == 0 || i == 1 && b[0] == '\r' {
			return i == 1
		}
	}
}
