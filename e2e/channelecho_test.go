package e2e

import (
	"bufio"
	"crypto/tls"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	standardwebhooks "github.com/standard-webhooks/standard-webhooks/libraries/go"
)

// canaryTag is a canary with the number of its channel.
var canaryTag = regexp.MustCompile(canary + `(\d{3})[^"&\s]*`)

// channelEchoes is a receiver of channels of every kind that repeats all that it was sent, and what it knows otherwise,
// in each way in which one can fail. The first part of the path says which, the second one has the canary.
type channelEchoes struct {
	*httptest.Server
	t *testing.T

	mu      sync.Mutex
	asked   map[string]int    // requests by way
	foreign []string          // bodies with the canary of another channel
	arrived map[string]string // secrets of the last request that was taken, by the number of its channel
}

// echoWays are the ways to fail, and whether what is repeated has to be found as masks in the error.
var echoWays = map[string]bool{
	"say400": true, "say429": true, "say503": true, "say200": false, "cut": false, "large": false, "split": true,
	"hangup": false, "garbage": false, "badheader": false, "badstatus": false, "move": false, "badmove": false,
	"refuse": false, "tls": false, "egress": false,
}

func newChannelEchoes(t *testing.T) *channelEchoes {
	t.Helper()
	e := &channelEchoes{t: t, asked: make(map[string]int), arrived: make(map[string]string)}
	e.Server = httptest.NewServer(http.HandlerFunc(e.answer))
	t.Cleanup(e.Close)
	return e
}

// base is where a channel is whose messages are to fail in a way.
func (e *channelEchoes) base(way string) string {
	switch way {
	case "refuse":
		return "http://127.0.0.1:1"
	case "tls":
		return strings.Replace(e.URL, "http:", "https:", 1)
	case "egress":
		return "http://169.254.169.254"
	}
	return e.URL
}

// secretsIn returns the secrets of a request, each in the forms in which it may be repeated.
func secretsIn(r *http.Request, body string) (raw, quoted, encoded string) {
	all := append([]string{r.RequestURI}, canaryTag.FindAllString(body+" "+fmt.Sprint(r.Header), -1)...)
	if decoded, err := url.QueryUnescape(body); err == nil {
		all = append(all, canaryTag.FindAllString(decoded, -1)...)
	}
	if user, password, given := r.BasicAuth(); given {
		all = append(all, password)
		encoded = base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	} else if scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " "); scheme == "Bearer" {
		all = append(all, token)
	}
	if r.Header.Get("Webhook-Signature") != "" {
		signer := canaryOfJob
		if strings.Contains(r.URL.Path, canary+"90") { // a channel of the settings
			signer = canaryOfServer
		}
		all = append(all, signer)
	}
	all = slices.DeleteFunc(all, func(s string) bool { return s == "" })
	var forms []string
	for _, s := range all {
		text, _ := json.Marshal(s)
		forms = append(forms, url.QueryEscape(s), url.PathEscape(s), html.EscapeString(s), string(text))
	}
	return strings.Join(all, " "), strings.Join(forms, " "), encoded + " " + strings.Join(all, " ")
}

func (e *channelEchoes) answer(w http.ResponseWriter, r *http.Request) {
	content, err := io.ReadAll(r.Body)
	if err != nil {
		e.t.Error(err)
	}
	way, rest, _ := strings.Cut(strings.TrimPrefix(r.URL.Path, "/"), "/")
	e.note(way, rest, string(content))
	raw, quoted, encoded := secretsIn(r, string(content))
	head := w.Header()
	switch way {
	case "say429":
		head.Set("Retry-After", "1")
		http.Error(w, quoted, http.StatusTooManyRequests)
	case "say503":
		http.Error(w, encoded, http.StatusServiceUnavailable)
	case "say200": // Telegram and Teams say in the body that it was not delivered
		_, _ = fmt.Fprintf(w, `{"ok":false,"description":%q} failed with error`, raw)
	case "cut":
		http.Error(w, strings.Repeat("a", 150+len(raw)%100)+raw, http.StatusServiceUnavailable)
	case "large": // where the answer is not read any further
		for _, secret := range strings.Fields(raw) {
			raw = secret // the last one
		}
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, strings.Repeat(" ", 64<<10-len(canary)-4)+raw)
	case "split": // by what is not shown
		w.WriteHeader(http.StatusServiceUnavailable)
		_, _ = io.WriteString(w, strings.ReplaceAll(raw, canary, canary[:5]+"\u202e"+canary[5:]))
	case "move", "badmove":
		head.Set("Location", map[string]string{"move": e.URL + "/ok?", "badmove": "http://[::x/"}[way]+raw)
		w.WriteHeader(http.StatusFound)
	case "hangup", "garbage", "badheader", "badstatus":
		e.write(w, map[string]string{"hangup": "", "garbage": raw + "\r\n\r\n", "badheader": "HTTP/1.1 200 OK\r\n" +
			raw +
			"\r\n\r\n", "badstatus": "HTTP/1.1 " + strings.ReplaceAll(raw, " ", "_") + "\r\n\r\n"}[way])
	case "ok":
		e.arrive(r, content, raw)
	default:
		http.Error(w, raw, http.StatusBadRequest)
	}
}

// arrive notes the secrets of a request, and by whose secret it is signed.
func (e *channelEchoes) arrive(r *http.Request, body []byte, secrets string) {
	for _, secret := range []string{canaryOfJob, canaryOfServer} {
		verifier, err := standardwebhooks.NewWebhook(secret)
		if err != nil {
			e.t.Error(err)
			return
		}
		if verifier.Verify(body, r.Header) == nil {
			secrets += " signed by " + secret
		}
	}
	if number := canaryTag.FindStringSubmatch(secrets); number != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.arrived[number[1]] = secrets
	}
}

// taken returns what has arrived since the last call, by the number of the channel.
func (e *channelEchoes) taken() map[string]string {
	e.mu.Lock()
	defer e.mu.Unlock()
	taken := e.arrived
	e.arrived = make(map[string]string)
	return taken
}

// note counts a request, and looks for secrets of other channels in its body.
func (e *channelEchoes) note(way, rest, body string) {
	all := canaryTag.FindAllStringSubmatch(rest+" "+body, -1) // the first one is its own; one of ntfy has no path
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked[way]++
	for _, found := range all {
		if found[1] != all[0][1] {
			e.foreign = append(e.foreign, body)
		}
	}
	if strings.Contains(body, canaryOfServer) || strings.Contains(body, canaryOfJob) {
		e.foreign = append(e.foreign, body)
	}
}

// write answers with bytes that may be no HTTP, and hangs up.
func (e *channelEchoes) write(w http.ResponseWriter, text string) {
	conn, _, err := w.(http.Hijacker).Hijack()
	if err != nil {
		e.t.Error(err)
		return
	}
	_, _ = io.WriteString(conn, text)
	_ = conn.Close()
}

// ways returns how often each way was gone.
func (e *channelEchoes) ways() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	found := make(map[string]int)
	for way, n := range e.asked {
		found[way] = n
	}
	return found
}

// mailWays are the ways in which a mail fails: at the login by the offered mechanism, at a recipient, or by hanging up.
var mailWays = []string{"PLAIN", "LOGIN", "CRAM-MD5", "recipient", "hangup"}

// startMailEcho starts an SMTP server over TLS that repeats logins, and returns its port.
func startMailEcho(t *testing.T, authority *pki, way string) (port string) {
	t.Helper()
	authority.issue("mail-"+way, &x509.Certificate{IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}})
	cert, err := tls.LoadX509KeyPair(authority.file("mail-"+way+".crt"), authority.file("mail-"+way+".key"))
	if err != nil {
		t.Fatal(err)
	}
	l, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{cert},
		MinVersion: tls.VersionTLS12})
	if err != nil {
		t.Fatal(err)
	}
	var conns sync.WaitGroup
	conns.Go(func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			conns.Go(func() {
				defer func() { _ = c.Close() }()
				talkMail(c, way)
			})
		}
	})
	t.Cleanup(func() { _ = l.Close() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// talkMail talks to a client until it goes.
func talkMail(c net.Conn, way string) {
	lines := bufio.NewReader(c)
	say := func(text string) { _, _ = io.WriteString(c, text+"\r\n") }
	hear := func() string {
		line, err := lines.ReadString('\n')
		if err != nil {
			return "QUIT"
		}
		return strings.TrimSpace(line)
	}
	say("220 mail.example")
	mechanism := way
	if way == "recipient" || way == "hangup" {
		mechanism = "PLAIN"
	}
	var login string // all that was said of it
	for {
		line := hear()
		switch verb, rest, _ := strings.Cut(line, " "); verb {
		case "EHLO":
			say("250-mail.example\r\n250 AUTH " + mechanism)
		case "AUTH":
			login = rest
			for range map[string]int{"LOGIN": 2, "CRAM-MD5": 1}[way] {
				say("334 " + base64.StdEncoding.EncodeToString([]byte("Password:")))
				login += " " + hear()
			}
			switch way {
			case "recipient":
				say("235 welcome")
			case "hangup":
				say("535-" + repeatLogin(login))
				return
			default:
				say("535 5.7.8 you sent " + repeatLogin(login))
			}
		case "RCPT":
			say("550 5.1.1 nobody; you came as " + repeatLogin(login))
		case "QUIT":
			say("221 bye")
			return
		default:
			say("250 ok")
		}
	}
}

// repeatLogin repeats what was sent of a login, as it came, and decoded.
func repeatLogin(login string) string {
	text := login
	for part := range strings.FieldsSeq(login) {
		if decoded, err := base64.StdEncoding.DecodeString(part); err == nil {
			text += " " + strings.ReplaceAll(string(decoded), "\x00", " ")
		}
	}
	return text
}
