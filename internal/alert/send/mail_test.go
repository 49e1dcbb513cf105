package send

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"mime/quotedprintable"
	"net"
	"net/http/httptest"
	"net/mail"
	"strings"
	"testing"
	"time"

	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// mailServer is an SMTP server that keeps what it gets, or refuses it at a step.
type mailServer struct {
	host, port string
	roots      *x509.CertPool

	refuse   map[string]*smtp.SMTPError // by AUTH, MAIL, RCPT and DATA
	hang     chan struct{}              // until it is closed, DATA is not answered
	plain    bool                       // it takes logins without encryption
	password string

	from string
	to   []string
	data []string
}

// NewSession implements smtp.Backend.
func (s *mailServer) NewSession(*smtp.Conn) (smtp.Session, error) { return &mailSession{s, false}, nil }

type mailSession struct {
	*mailServer
	known bool
}

// AuthMechanisms implements smtp.AuthSession.
func (s *mailSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth implements smtp.AuthSession.
func (s *mailSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if err := s.refuse["AUTH"]; err != nil {
			return err
		}
		if user != "belfry" || password != s.password {
			return &smtp.SMTPError{Code: 535, EnhancedCode: smtp.EnhancedCode{5, 7, 8},
				Message: "no login for " + user + " with " + password}
		}
		s.known = true
		return nil
	}), nil
}

func (s *mailSession) refusal(step string) error {
	if err := s.refuse[step]; err != nil {
		return err
	}
	return nil
}

// Mail implements smtp.Session.
func (s *mailSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from, s.to = from, nil
	if s.password != "" && !s.known {
		return &smtp.SMTPError{Code: 530, EnhancedCode: smtp.EnhancedCode{5, 7, 0}, Message: "log in first"}
	}
	return s.refusal("MAIL")
}

// Rcpt implements smtp.Session.
func (s *mailSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	s.to = append(s.to, to)
	return s.refusal("RCPT")
}

// Data implements smtp.Session.
func (s *mailSession) Data(r io.Reader) error {
	if s.hang != nil {
		<-s.hang
	}
	text, err := io.ReadAll(r)
	if refusal := s.refusal("DATA"); refusal != nil {
		return refusal
	}
	if err != nil {
		return err
	}
	s.data = append(s.data, string(text))
	return nil
}

func (s *mailSession) Reset()        {}
func (s *mailSession) Logout() error { return nil }

// startMail starts a server whose connections are encrypted as a security says.
func startMail(t *testing.T, security string, s *mailServer) *mailServer {
	t.Helper()
	forTLS := httptest.NewUnstartedServer(nil)
	forTLS.StartTLS() // for its certificate, which is of example.com and 127.0.0.1
	s.roots = x509.NewCertPool()
	s.roots.AddCert(forTLS.Certificate())
	config := &tls.Config{Certificates: forTLS.TLS.Certificates, MinVersion: tls.VersionTLS12}
	forTLS.Close()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	s.host, s.port, _ = net.SplitHostPort(l.Addr().String())
	server := smtp.NewServer(s)
	server.Domain, server.ReadTimeout, server.WriteTimeout = "mail.example", 10*time.Second, 10*time.Second
	server.ErrorLog = quiet{}
	switch security {
	case domain.MailTLS:
		l = tls.NewListener(l, config)
	case domain.MailStartTLS:
		server.TLSConfig = config
	}
	server.AllowInsecureAuth = s.plain
	done := make(chan struct{})
	go func() {
		defer close(done)
		_ = server.Serve(l)
	}()
	t.Cleanup(func() {
		_ = l.Close() // also if the server has not begun yet
		_ = server.Close()
		<-done
	})
	return s
}

type quiet struct{}

func (quiet) Printf(string, ...any) {}
func (quiet) Println(...any)        {}

func (s *mailServer) channel(security string) *domain.Channel {
	c := &domain.Channel{ID: "mail", Kind: domain.ChannelEmail, Options: map[string]string{
		"host": s.host, "port": s.port, "security": security, "from": "Belfry <belfry@example.com>",
		"to": "ops@example.com, \"O, Brien\" <ob@example.com>", "subjectPrefix": "[Belfry]",
	}, Secrets: domain.ChannelSecrets{Values: map[string]string{}}}
	if s.password != "" {
		c.Options["user"], c.Secrets.Values["password"] = "belfry", s.password
	}
	return c
}

func (s *mailServer) sender(t *testing.T, g *guard) *Sender {
	t.Helper()
	made, err := New(Config{Guard: g, UserAgent: "belfry/test", Clock: clock.System{},
		Roots: func() *x509.CertPool { return s.roots }})
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// A mail arrives with each encryption, with and without a login: both texts, to all recipients, once.
func TestMailArrives(t *testing.T) {
	for name, c := range map[string]struct {
		security string
		server   mailServer
	}{
		"STARTTLS":            {domain.MailStartTLS, mailServer{password: "T0KEN-password"}},
		"TLS":                 {domain.MailTLS, mailServer{password: "T0KEN-password"}},
		"TLS without a login": {domain.MailTLS, mailServer{}},
		"without any of them": {domain.MailNone, mailServer{}},
	} {
		t.Run(name, func(t *testing.T) {
			s := startMail(t, c.security, &c.server)
			channel := s.channel(c.security)
			if err := channel.Validate(); err != nil {
				t.Fatal(err)
			}
			g := new(guard)
			m := message()
			if err := s.sender(t, g).Send(t.Context(), channel, m); err != nil {
				t.Fatal(err)
			}
			if s.from != "belfry@example.com" || strings.Join(s.to, " ") != "ops@example.com ob@example.com" ||
				len(s.data) != 1 || len(g.asked) != 2 {
				t.Fatalf("from %s to %v: %d mails, the guard was asked %v", s.from, s.to, len(s.data), g.asked)
			}
			checkMail(t, s.data[0], m)
		})
	}
}

func checkMail(t *testing.T, data string, m *alert.Message) {
	t.Helper()
	got, err := mail.ReadMessage(strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	subject, err := new(mime.WordDecoder).DecodeHeader(got.Header.Get("Subject"))
	if err != nil || subject != "[Belfry] "+m.Title() {
		t.Errorf("the subject is %q, %v", subject, err)
	}
	for name, want := range map[string]string{
		"Message-Id": "<" + m.ID.String() + "@example.com>", "References": "<" + m.Groups[0].ID.String() +
			"@example.com>",
		"Auto-Submitted": "auto-generated", "User-Agent": "belfry/test", "From": `"Belfry" <belfry@example.com>`,
	} {
		if got.Header.Get(name) != want {
			t.Errorf("%s: %s", name, got.Header.Get(name))
		}
	}
	if at, err := got.Header.Date(); err != nil || at.UnixMilli() != m.At {
		t.Errorf("the date is %s, %v", at, err)
	}
	text, html := bodies(t, got)
	if strings.TrimSpace(strings.ReplaceAll(text, "\r\n", "\n")) != m.Text() {
		t.Errorf("the text is %q", text)
	}
	if !strings.Contains(html, m.Title()+"</h2>") || !strings.Contains(html, `href="https://b/alerts"`) {
		t.Errorf("the HTML is %s", html)
	}
}

// bodies returns the plain text and the HTML of a mail.
func bodies(t *testing.T, m *mail.Message) (text, html string) {
	t.Helper()
	kind, params, err := mime.ParseMediaType(m.Header.Get("Content-Type"))
	if err != nil || kind != "multipart/alternative" {
		t.Fatal(kind, err)
	}
	reader := multipart.NewReader(m.Body, params["boundary"])
	for {
		part, err := reader.NextRawPart()
		if errors.Is(err, io.EOF) {
			return text, html
		}
		if err != nil || part.Header.Get("Content-Transfer-Encoding") != "quoted-printable" {
			t.Fatal(part, err)
		}
		content, err := io.ReadAll(quotedprintable.NewReader(part))
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(part.Header.Get("Content-Type"), "text/html") {
			html = string(content)
		} else {
			text = string(content)
		}
	}
}

// What others wrote adds neither a header nor markup.
func TestMailInjectsNothing(t *testing.T) {
	s := startMail(t, domain.MailTLS, &mailServer{})
	c := s.channel(domain.MailTLS)
	c.Templates.Title = "{{range .Group.Samples}}{{.Name}}{{end}}"
	m := hostileMessage()
	if err := s.sender(t, new(guard)).Send(t.Context(), c, m); err != nil {
		t.Fatal(err)
	}
	got, err := mail.ReadMessage(strings.NewReader(s.data[0]))
	if err != nil || got.Header.Get("Bcc") != "" || len(s.to) != 2 {
		t.Fatalf("%v, to %v, %v", got.Header, s.to, err)
	}
	_, html := bodies(t, got)
	for _, markup := range []string{"<script", "evil.example\">", "<!channel", "</pre>"} {
		if strings.Contains(html, markup) {
			t.Errorf("the HTML has %s: %.500s", markup, html)
		}
	}
	if strings.Count(html, "<a ") != 1 {
		t.Errorf("there are %d links", strings.Count(html, "<a "))
	}
}

// Each way to fail is an error in time, without a secret, that says whether to try again.
func TestMailFails(t *testing.T) {
	code := func(n int, text string) *smtp.SMTPError {
		return &smtp.SMTPError{Code: n, EnhancedCode: smtp.EnhancedCode{n / 100, 1, 1}, Message: text}
	}
	hang := make(chan struct{})
	defer close(hang)
	for name, c := range map[string]struct {
		served, asked string // how connections are encrypted
		server        mailServer
		change        func(*domain.Channel)
		guard         guard
		text          string
		refused       bool
	}{
		"a wrong password": {domain.MailTLS, domain.MailTLS, mailServer{password: "another-password"},
			func(c *domain.Channel) { c.Secrets.Values["password"] = "T0KEN-password" }, guard{}, "535", false},
		"a login is wanted": {domain.MailTLS, domain.MailTLS, mailServer{password: "another-password"},
			func(c *domain.Channel) { delete(c.Secrets.Values, "password") }, guard{}, "530", false},
		"a sender that is refused": {domain.MailTLS, domain.MailTLS,
			mailServer{refuse: map[string]*smtp.SMTPError{"MAIL": code(553, "not you")}}, nil, guard{}, "553", true},
		"a recipient that is not there": {domain.MailTLS, domain.MailTLS,
			mailServer{refuse: map[string]*smtp.SMTPError{"RCPT": code(550, "no such user")}}, nil, guard{}, "550",
			true},
		"a recipient for later": {domain.MailTLS, domain.MailTLS,
			mailServer{refuse: map[string]*smtp.SMTPError{"RCPT": code(450, "greylisted")}}, nil, guard{}, "450",
			false},
		"a mail that is refused": {domain.MailTLS, domain.MailTLS,
			mailServer{refuse: map[string]*smtp.SMTPError{"DATA": code(554, "spam")}}, nil, guard{}, "554", true},
		"a server that is full": {domain.MailTLS, domain.MailTLS,
			mailServer{refuse: map[string]*smtp.SMTPError{"DATA": code(452, "full")}}, nil, guard{}, "452", false},
		"no STARTTLS": {domain.MailNone, domain.MailStartTLS, mailServer{}, nil, guard{}, "STARTTLS", false},
		"no TLS":      {domain.MailNone, domain.MailTLS, mailServer{}, nil, guard{}, "tls", false},
		"a certificate of another name": {domain.MailStartTLS, domain.MailStartTLS, mailServer{},
			func(c *domain.Channel) { c.Options["host"] = "localhost" }, guard{}, "certificate", false},
		"the guard of names": {domain.MailTLS, domain.MailTLS, mailServer{}, nil, guard{name: errors.New("is denied")},
			"is denied", false},
		"the guard of addresses": {domain.MailTLS, domain.MailTLS, mailServer{}, nil,
			guard{addr: errors.New("is a private address")}, "is a private address", false},
		"no server": {domain.MailTLS, domain.MailTLS, mailServer{}, func(c *domain.Channel) { c.Options["port"] = "1" },
			guard{}, "refused", false},
		"a server that hangs": {domain.MailNone, domain.MailNone, mailServer{hang: hang}, nil, guard{}, "", false},
	} {
		t.Run(name, func(t *testing.T) {
			s := startMail(t, c.served, &c.server)
			channel := s.channel(c.asked)
			if c.change != nil {
				c.change(channel)
			}
			limit := ample
			if c.server.hang != nil {
				limit = 200 * time.Millisecond
			}
			ctx, cancel := context.WithTimeout(t.Context(), limit)
			defer cancel()
			err := s.sender(t, &c.guard).Send(ctx, channel, message())
			failure, ok := errors.AsType[*alert.DeliveryError](err)
			if !ok || !strings.Contains(failure.Text, c.text) || failure.Refused != c.refused ||
				strings.Contains(failure.Text, "T0KEN") || strings.Contains(failure.Text, "another-password") {
				t.Errorf("%+v", err)
			}
			if len(s.data) != 0 {
				t.Errorf("%d mails arrived", len(s.data))
			}
		})
	}
}

// A server that answers endlessly is not read endlessly.
func TestMailIsBounded(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	sent := make(chan int, 1)
	go func() {
		c, err := l.Accept()
		if err != nil {
			return
		}
		defer c.Close()
		n, line := 0, []byte(strings.Repeat("220-hello ", 1_000)+"\r\n")
		for {
			k, err := c.Write(line)
			if n += k; err != nil || n > 64<<20 {
				sent <- n
				return
			}
		}
	}()
	defer l.Close()
	s := &mailServer{}
	s.host, s.port, _ = net.SplitHostPort(l.Addr().String())
	if err := s.sender(t, new(guard)).Send(t.Context(), s.channel(domain.MailNone), message()); err == nil {
		t.Error("it was sent")
	}
	if n := <-sent; n > 32<<20 { // what the kernel buffers is beside what is read
		t.Errorf("%d bytes were sent", n)
	}
}
