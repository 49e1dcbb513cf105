package executor

import (
	"bufio"
	"errors"
	"strings"
)

// unreadable says that an answer is none that HTTP/1.1 allows to take. The target
// has got the request all the same.
type unreadable struct{ why string }

func (u *unreadable) Error() string { return u.why }

var (
	errHeaderTooLong  = errors.New("response header too long")
	errTooManyInterim = errors.New("too many interim responses")
	errTooLong        = errors.New("response longer than the limit")
)

const httpName = "HTTP/"

// isGap reports whether a byte parts the words of a status line (RFC 9112, section
// 4: any white space but the line's end).
func isGap(c byte) bool { return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r' }

// parseStatusLine reads a status line without its LF. odd says that it is none of
// the grammar: the connection is not used again.
func parseStatusLine(line []byte) (minor, status int, odd bool, err error) {
	version, rest := word(line)
	if minor, odd, err = parseVersion(version); err != nil {
		return 0, 0, false, err
	}
	code, _ := word(rest)
	if len(code) != 3 || !isDigits(code) {
		return 0, 0, false, &unreadable{"its status is no number of three digits, but: " + excerpt(code)}
	}
	status = int(code[0]-'0')*100 + int(code[1]-'0')*10 + int(code[2]-'0')
	strict := len(line) > len("HTTP/1.1 ") && line[len("HTTP/1.1")] == ' ' && line[len("HTTP/1.1 ")] == code[0]
	return minor, status, odd || !strict, nil
}

// parseVersion reads HTTP/1.x. Lower case is taken.
func parseVersion(version []byte) (minor int, odd bool, err error) {
	if len(version) < len(httpName) || !strings.EqualFold(string(version[:len(httpName)]), httpName) {
		return 0, false, &unreadable{"it is not HTTP"}
	}
	number := version[len(httpName):]
	if len(number) == 3 && number[1] == '.' && number[0] == '1' && isDigits(number[2:]) {
		return int(number[2] - '0'), string(version[:len(httpName)]) != httpName, nil
	}
	return 0, false, &unreadable{"it was asked by HTTP/1.1, and its version is: " + excerpt(version)}
}

// word cuts the first word off, without the white space before it.
func word(b []byte) (first, rest []byte) {
	for len(b) > 0 && isGap(b[0]) {
		b = b[1:]
	}
	end := 0
	for end < len(b) && !isGap(b[end]) {
		end++
	}
	return b[:end], b[end:]
}

// awaitStatusLine skips empty lines and white space, and reports what does not
// begin as HTTP does without waiting for the rest of it: a server of another
// protocol may send no line at all.
func awaitStatusLine(br *bufio.Reader, remaining *int) error {
	for n := 1; n <= len(httpName); {
		b, err := br.Peek(n)
		if err != nil {
			return err
		}
		if n == 1 && (isGap(b[0]) || b[0] == '\n') {
			if *remaining--; *remaining < 0 {
				return errHeaderTooLong
			}
			_, _ = br.Discard(1)
			continue
		}
		if !strings.EqualFold(string(b), httpName[:n]) {
			begins, _ := br.Peek(br.Buffered())
			return &unreadable{nameAnswer(begins)}
		}
		n++
	}
	return nil
}
