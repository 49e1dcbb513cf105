package executor

import (
	"bytes"
	"fmt"
	"strings"
)

// nameAnswer says what an answer is that is not HTTP, by how it begins. These are
// the mistakes of set-up that a wrong port or scheme leads to.
func nameAnswer(begins []byte) string {
	if what := protocolOf(begins); what != "" {
		return what
	}
	if len(bytes.TrimSpace(begins)) > 0 && bytes.TrimSpace(begins)[0] == '<' {
		return "it has no status line, but begins as HTML or XML"
	}
	if isBinary(begins[:min(len(begins), 60)]) {
		return fmt.Sprintf("it is not HTTP, but binary, and begins with % x",
			begins[:min(len(begins), minHiddenBytes-1)])
	}
	return "it is not HTTP, but begins with: " + excerpt(begins)
}

// excerpt returns the start of a text for the end of a message: there hide finds a
// secret that was cut with it.
func excerpt(b []byte) string { return printable(b[:min(len(b), 60)]) }

// signatures are how servers of other protocols begin to speak, or answer what
// they take for nonsense.
var signatures = []struct{ begins, is string }{
	{"SSH-", "an SSH server answers there"},
	{"220", "a mail or FTP server answers there"},
	{"421 ", "a mail or FTP server answers there"},
	{"500 ", "a mail or FTP server answers there"},
	{"502 ", "a mail or FTP server answers there"},
	{"+OK", "a POP3 or Redis server answers there"},
	{"* OK", "an IMAP server answers there"},
	{"* BYE", "an IMAP server answers there"},
	{"-ERR", "a Redis or POP3 server answers there"},
	{"-DENIED", "a Redis server answers there"},
	{"-NOAUTH", "a Redis server answers there"},
	{"ERROR\r\n", "a memcached server answers there"},
	{"AMQP", "an AMQP server (RabbitMQ) answers there"},
	{"INFO {", "a NATS server answers there"},
	{"RFB ", "a VNC server answers there"},
	{"ICY ", "it is SHOUTcast (ICY), not HTTP"},
	{"RTSP/", "it is RTSP, not HTTP"},
	{"SIP/", "it is SIP, not HTTP"},
	{"\xff\xfb", "a telnet server answers there"},
	{"\xff\xfd", "a telnet server answers there"},
}

// isHTTP2 reports whether some bytes begin with a SETTINGS frame of HTTP/2.
func isHTTP2(b []byte) bool {
	return len(b) >= 9 && b[3] == 4 && b[0] == 0 && b[4] <= 1 && string(b[5:9]) == "\x00\x00\x00\x00"
}

// protocolOf returns which other protocol some bytes begin, or "".
func protocolOf(b []byte) string {
	switch {
	case len(b) >= 3 && (b[0] == 0x15 || b[0] == 0x16) && b[1] == 3 && b[2] <= 4:
		return "it is TLS: the URL should begin with https://"
	case isHTTP2(b):
		return "the target speaks HTTP/2 (a SETTINGS frame), which no TLS handshake has agreed on"
	case len(b) >= 5 && b[3] == 0 && b[4] == 10 && b[0] != 0, len(b) >= 5 && b[3] == 0 && b[4] == 0xff:
		return "a MySQL or MariaDB server answers there"
	}
	for _, s := range signatures {
		if strings.HasPrefix(string(b[:min(len(b), len(s.begins))]), s.begins) {
			return s.is
		}
	}
	return ""
}

// nameNoTLS says what answered a TLS handshake, by its first bytes.
func nameNoTLS(label string, begins []byte) string {
	if bytes.HasPrefix(begins, []byte("HTTP")) {
		return label + " does not speak TLS but plain HTTP: the URL should begin with http://"
	}
	if what := protocolOf(begins); what != "" && begins[0] != 0x15 && begins[0] != 0x16 {
		return label + " does not speak TLS: " + what
	}
	return label + " does not speak TLS"
}

// nameNoHTTP2 says what came after a handshake that has agreed on HTTP/2.
func nameNoHTTP2(label string, begins []byte) string {
	if bytes.HasPrefix(begins, []byte("HTTP/1.")) {
		return label + " has agreed on HTTP/2 and answers with HTTP/1.1"
	}
	return label + " has agreed on HTTP/2, but: " + nameAnswer(begins)
}

// plainToTLS are what web servers say to plain HTTP on a port of TLS: nginx, Go
// and what is made with it, Apache, Tomcat, Jetty, IIS and gateways.
var plainToTLS = []string{
	"plain http request was sent to https port",
	"client sent an http request to an https server",
	"speaking plain http to an ssl-enabled server port",
	"combination of host and port requires tls",
	"http request was received on an https port",
	"this port requires https",
}

// wantsTLS reports whether a failure of a plain call says that the port is one of
// TLS.
func wantsTLS(status int, body []byte) bool {
	if status < 400 || status > 499 {
		return false
	}
	text := strings.ToLower(string(body))
	for _, s := range plainToTLS {
		if strings.Contains(text, s) {
			return true
		}
	}
	return false
}

// usualTLSPort reports whether a port is mostly one of TLS.
func usualTLSPort(port uint16) bool { return port == 443 || port == 8443 }
