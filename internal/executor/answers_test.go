package executor

import (
	"bufio"
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// answerRow is a row of the table in doc.go: an answer, what is recorded of it, and
// whether the connection carries another call.
type answerRow struct {
	answer  string
	verdict domain.Verdict
	status  int
	err     string // a part of the error; "": none
	kept    bool
}

const (
	plainBody   = "Content-Length: 2\r\n\r\nok"
	chunkedHead = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n"
)

// answerRows follow the sections of RFC 9112 and RFC 9110.
var answerRows = map[string]answerRow{
	// RFC 9112, 2.2: message parsing.
	"bare LF":             {"HTTP/1.1 200 OK\nContent-Length: 2\n\nok", success, 200, "", true},
	"an empty line first": {"\r\nHTTP/1.1 200 OK\r\n" + plainBody, success, 200, "", true},
	"white space before a field": {"HTTP/1.1 200 OK\r\n folded\r\n" + plainBody, final, 200,
		"unreadable answer (HTTP 200): " + spaceBeforeField, false},

	// 2.3: the version.
	"HTTP/1.0":              {"HTTP/1.0 200 OK\r\n" + plainBody, success, 200, "", false},
	"HTTP/1.0 that is kept": {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n" + plainBody, success, 200, "", true},
	"lower case":            {"http/1.1 200 OK\r\n" + plainBody, success, 200, "", false},
	"HTTP/1.9":              {"HTTP/1.9 200 OK\r\n" + plainBody, success, 200, "", true},
	"HTTP/2.0":              {"HTTP/2.0 200 OK\r\n" + plainBody, final, 0, "it was asked by HTTP/1.1", false},

	// 4: the status line.
	"no reason, no space":   {"HTTP/1.1 200\r\n" + plainBody, success, 200, "", true},
	"no reason":             {"HTTP/1.1 200 \r\n" + plainBody, success, 200, "", true},
	"a reason with bytes":   {"HTTP/1.1 200 \xe4\xf6\r\n" + plainBody, success, 200, "", true},
	"two spaces":            {"HTTP/1.1  200 OK\r\n" + plainBody, success, 200, "", false},
	"a tab":                 {"HTTP/1.1\t200 OK\r\n" + plainBody, success, 200, "", false},
	"a status of one digit": {"HTTP/1.1 2 OK\r\n" + plainBody, final, 0, "no number of three digits", false},
	"+200":                  {"HTTP/1.1 +200 OK\r\n" + plainBody, final, 0, "no number of three digits", false},
	"no status":             {"HTTP/1.1\r\n" + plainBody, final, 0, "no number of three digits", false},

	// RFC 9110, 15: status codes.
	"000": {"HTTP/1.1 000 None\r\n" + plainBody, retry, 0, "HTTP 000 (no status of HTTP", true},
	"099": {"HTTP/1.1 099 None\r\n" + plainBody, retry, 99, "HTTP 099 (no status of HTTP", true},
	"299": {"HTTP/1.1 299 Own\r\n" + plainBody, success, 299, "", true},
	"499": {"HTTP/1.1 499 Own\r\n" + plainBody, final, 499, "HTTP 499", true},
	"600": {"HTTP/1.1 600 Own\r\n" + plainBody, retry, 600, "HTTP 600 (no status of HTTP", true},
	"999": {"HTTP/1.1 999 Denied\r\n" + plainBody, retry, 999, "HTTP 999 (no status of HTTP", true},

	// 15.2: interim answers.
	"100, 102, 103": {"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early " +
		"Hints\r\nLink: x\r\n\r\n" +
		"HTTP/1.1 200 OK\r\n" + plainBody, success, 200, "", true},
	"101": {"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\n\r\n", final, 101, "HTTP 101", false},

	// RFC 9112, 5: fields.
	"a space before the colon": {"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nok", final, 200,
		spaceBeforeColon, false},
	"a tab before the colon": {"HTTP/1.1 204 No\r\nX\t: 2\r\n\r\n", final, 204, spaceBeforeColon, false},
	"a line without a colon": {"HTTP/1.1 200 OK\r\nnonsense\r\n" + plainBody, final, 200, noColon, false},
	"an empty name":          {"HTTP/1.1 200 OK\r\n: x\r\n" + plainBody, final, 200, noToken, false},
	"a name with a space":    {"HTTP/1.1 200 OK\r\nX Y: x\r\n" + plainBody, final, 200, noToken, false},
	"a folded field":         {"HTTP/1.1 200 OK\r\nX: a\r\n b\r\n" + plainBody, final, 200, foldedField, false},
	"a folded length":        {"HTTP/1.1 200 OK\r\nContent-Length:\r\n\t2\r\n\r\nok", final, 200, foldedField, false},
	"a folded field of 503": {"HTTP/1.1 503 X\r\nX: a\r\n b\r\n" + plainBody, retry, 503,
		"HTTP 503 Service Unavailable: ok", false},
	"a folded field of 404": {"HTTP/1.1 404 X\r\nX: a\r\n b\r\n" + plainBody, final, 404,
		"HTTP 404 Not Found: ok", false},
	"a folded interim field": {"HTTP/1.1 103 Early Hints\r\nLink: a\r\n b\r\n\r\nHTTP/1.1 200 OK\r\n" + plainBody,
		final, 0, "unreadable answer: " + foldedField, false},
	"a NUL in an interim field": {"HTTP/1.1 103 Early Hints\r\nLink: a\x00b\r\n\r\nHTTP/1.1 200 OK\r\n" + plainBody,
		success, 200, "", false},
	"bytes beyond ASCII": {"HTTP/1.1 200 OK\r\nX: \xff\xfe\r\n" + plainBody, success, 200, "", true},
	"a NUL":              {"HTTP/1.1 200 OK\r\nX: a\x00b\r\n" + plainBody, success, 200, "", false},
	"300 fields": {"HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", 300) + plainBody, success,
		200, "", true},

	// 6.1: transfer codings.
	"identity": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\n" + plainBody, success, 200, "", true},
	"gzip, chunked": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", success,
		200, "", true},
	"gzip alone": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok", success, 200, "", false},
	"a length and chunks": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Length: " +
		"99\r\n\r\n2\r\nok\r\n0\r\n\r\n", final, 200, bothLengths, false},
	"chunks and a length": {chunkedHead + "Content-Length: 15\r\n\r\n2\r\nok\r\n0\r\n\r\n", final, 200, bothLengths,
		false},
	"chunks and no number": {chunkedHead + "Content-Length: x\r\n\r\n2\r\nok\r\n0\r\n\r\n", final, 200, bothLengths,
		false},
	"chunks and an empty length": {chunkedHead + "Content-Length:\r\n\r\n2\r\nok\r\n0\r\n\r\n", final, 200,
		"its Content-Length is empty", false},
	"gzip and a length": {"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n" + plainBody, final, 200, bothLengths, false},
	"chunks and a length of 500": {"HTTP/1.1 500 X\r\nTransfer-Encoding: chunked\r\nContent-Length: " +
		"99\r\n\r\n2\r\nok\r\n0\r\n\r\n", retry, 500, "HTTP 500 Internal Server Error: ok", false},
	"204 with both": {"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n", final, 204,
		bothLengths, false},
	"chunks in HTTP/1.0": {"HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nTransfer-Encoding: " +
		"chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n", final, 200, oldChunks, false},

	// 6.2 and 6.3: lengths.
	"the same length twice":     {"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + plainBody, success, 200, "", true},
	"the same length in a list": {"HTTP/1.1 200 OK\r\nContent-Length: 2, 2\r\n\r\nok", success, 200, "", true},
	"lengths that differ": {"HTTP/1.1 200 OK\r\nContent-Length: 1\r\n" + plainBody, final, 200,
		"two lengths that differ", false},
	"a negative length":           {"HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok", final, 200, "no number", false},
	"a length with a sign":        {"HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok", final, 200, "no number", false},
	"an unreadable length of 503": {"HTTP/1.1 503 Busy\r\nContent-Length: x\r\n\r\nok", retry, 503, "HTTP 503", false},
	"no length":                   {"HTTP/1.1 200 OK\r\n\r\nok", success, 200, "", false},
	"more than the length":        {"HTTP/1.1 200 OK\r\n" + plainBody + "more", success, 200, "", false},
	"204 with a length":           {"HTTP/1.1 204 No Content\r\nContent-Length: 2\r\n\r\n", success, 204, "", true},
	"304": {"HTTP/1.1 304 Not Modified\r\nContent-Length: 2\r\n\r\n", final, 304,
		"HTTP 304", true},

	// 7.1: chunks.
	"upper case":         {chunked + "A\r\n0123456789\r\n0\r\n\r\n", success, 200, "", true},
	"an extension":       {chunked + "2;a=b;c=\"d\"\r\nok\r\n0\r\n\r\n", success, 200, "", true},
	"a trailer":          {chunked + "2\r\nok\r\n0\r\nX: y\r\n\r\n", success, 200, "", true},
	"chunks with LF":     {chunked + "2\nok\n0\n\n", success, 200, "", false},
	"a size in words":    {chunked + "two\r\nok\r\n0\r\n\r\n", final, 200, "a chunk has no size", false},
	"a chunk too long":   {chunked + "1\r\nok\r\n0\r\n\r\n", final, 200, "a chunk is longer than it said", false},
	"cut in a chunk":     {chunked + "5\r\nok", retry, 200, "connection closed", false},
	"no last chunk":      {chunked + "2\r\nok\r\n", retry, 200, "connection closed", false},
	"no end of trailers": {chunked + "2\r\nok\r\n0\r\n", success, 200, "", false},

	// 9.3 and 9.6: connections.
	"Connection: close":     {"HTTP/1.1 200 OK\r\nConnection: close\r\n" + plainBody, success, 200, "", false},
	"Connection: x, CLOSE":  {"HTTP/1.1 200 OK\r\nConnection: x, CLOSE\r\n" + plainBody, success, 200, "", false},
	"Keep-Alive: timeout=0": {"HTTP/1.1 200 OK\r\nKeep-Alive: timeout=0\r\n" + plainBody, success, 200, "", false},
	"cut in the header":     {"HTTP/1.1 200 OK\r\nContent-", retry, 0, "connection closed", false},
	"cut before the header": {"", retry, 0, "connection closed", false},
	"cut in a body of a length": {"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok", retry, 200,
		"connection closed", false},

	// Mistakes of set-up.
	"HTML":        {"<html><body>hello</body></html>", final, 0, "begins as HTML", false},
	"SSH":         {"SSH-2.0-OpenSSH_9.6\r\n", final, 0, "an SSH server answers there", false},
	"SMTP":        {"220 mail.example ESMTP\r\n", final, 0, "a mail or FTP server answers there", false},
	"Redis":       {"-ERR unknown command 'POST'\r\n", final, 0, "a Redis or POP3 server answers there", false},
	"a TLS alert": {"\x15\x03\x01\x00\x02\x02\x46", final, 0, "it is TLS: the URL should begin with https://", false},
	"HTTP/2":      {"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00d", final, 0, "speaks HTTP/2", false},
	"SHOUTcast":   {"ICY 200 OK\r\n\r\n", final, 0, "SHOUTcast", false},
	"HTTP to nginx": {rawResponse(400, "<h1>400</h1>The plain HTTP request was sent to HTTPS port"), final, 400,
		"the URL should begin with https://", true},
	"HTTP to Go": {rawResponse(400, "Client sent an HTTP request to an HTTPS server.\n"), final, 400,
		"the URL should begin with https://", true},
}

// Each answer is recorded as the table says, by the parser, and by the short way
// where that takes it.
func TestAnswersByTheRFC(t *testing.T) {
	for name, row := range answerRows {
		t.Run(name, func(t *testing.T) {
			s := serveAnswer(t, row.answer)
			out := do(newTestExecutor(t, Config{}), newCall(s.url()))
			if out.Verdict != row.verdict || out.HTTPStatus != row.status {
				t.Errorf("outcome %+v, want verdict %d and status %d", out, row.verdict, row.status)
			}
			if row.err == "" && out.Error != "" || !strings.Contains(out.Error, row.err) {
				t.Errorf("error %q, want %q in it", out.Error, row.err)
			}
		})
	}
}

// Whether a connection goes on follows from the answer alone.
func TestAnswersThatKeepTheConnection(t *testing.T) {
	for name, row := range answerRows {
		if row.verdict == retry && row.status == 0 && row.err == "connection closed" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			var r response
			r.begin(&newTestExecutor(t, Config{}).cfg, http.MethodPost, nil, make([]byte, 0, headBufferBytes))
			r.br = bufio.NewReader(strings.NewReader(row.answer))
			err := r.readAnswer()
			keeps := keepAliveTimeout(r.head.values[fieldKeep])
			if kept := err == nil && r.persists() && keeps != notKept; kept != row.kept {
				t.Errorf("the connection is kept: %v, want %v (%v)", kept, row.kept, err)
			}
		})
	}
}
