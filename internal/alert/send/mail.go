package send

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"html"
	"io"
	"net"
	"net/textproto"
	"strconv"
	"strings"
	"time"

	"github.com/wneessen/go-mail"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// readOfServer is how many bytes of an SMTP server are read for a mail.
const readOfServer = 1 << 20

// logins are the ways to log in, the best first. The last two tell the password, for which there is encryption: a
// channel without it has no password.
var logins = []mail.SMTPAuthType{
	mail.SMTPAuthSCRAMSHA256, mail.SMTPAuthSCRAMSHA1, mail.SMTPAuthCramMD5, mail.SMTPAuthPlain, mail.SMTPAuthLogin,
}

// sendMail makes one attempt by SMTP.
func (s *Sender) sendMail(ctx context.Context, in *input) error {
	m, err := makeMail(in, s.cfg.UserAgent)
	if err != nil {
		return err
	}
	security := in.option("security", domain.MailStartTLS)
	trusted := &tls.Config{ServerName: in.option("host", ""), RootCAs: s.cfg.Roots(), MinVersion: tls.VersionTLS12}
	port, err := strconv.Atoi(in.option("port", domain.MailPorts[security]))
	if err != nil {
		return errors.New("the port cannot be read")
	}
	attempt := ctx
	options := []mail.Option{
		mail.WithPort(port), mail.WithTimeout(timeout), mail.WithTLSConfig(trusted),
		mail.WithTLSPolicy(mail.TLSMandatory),
		mail.WithHELO(in.option("helo", "localhost")), mail.WithoutNoop(),
		mail.WithDialContextFunc(func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := s.dialer.dial(ctx, "tcp", net.JoinHostPort(in.option("host", ""), strconv.Itoa(port)))
			if err != nil {
				return nil, err
			}
			c = &boundedConn{Conn: c, rest: readOfServer}
			_ = context.AfterFunc(attempt, func() { _ = c.Close() }) // whatever becomes of it
			if security == domain.MailTLS {
				return encrypted(ctx, c, trusted)
			}
			return c, nil
		}),
	}
	switch security {
	case domain.MailTLS:
		options = append(options, mail.WithSSL())
	case domain.MailNone:
		options = append(options, mail.WithTLSPolicy(mail.NoTLS))
	}
	if password := in.secret("password"); password != "" {
		options = append(options, mail.WithOpportunisticSMTPAuth(logins...), mail.WithUsername(in.option("user",
			"")),
			mail.WithPassword(password))
	}
	client, err := mail.NewClient(in.option("host", ""), options...)
	if err != nil {
		return err
	}
	return mailed(client.DialAndSendWithContext(ctx, m))
}

// boundedConn is a connection that reads so many bytes at most.
type boundedConn struct {
	net.Conn
	rest int
}

// Read implements [net.Conn].
func (c *boundedConn) Read(b []byte) (int, error) {
	if c.rest <= 0 {
		return 0, io.ErrUnexpectedEOF
	}
	n, err := c.Conn.Read(b[:min(len(b), c.rest)])
	c.rest -= n
	return n, err
}

// mailed turns the error of an attempt into one that says whether to send the mail again.
func mailed(err error) error {
	if err == nil {
		return nil
	}
	status := 0
	if answer, ok := errors.AsType[*mail.SendError](err); ok {
		status = answer.ErrorCode()
	} else if answer, ok := errors.AsType[*textproto.Error](err); ok {
		status = answer.Code
	}
	return &alert.DeliveryError{
		Text: err.Error(), Refused: judge(domain.ChannelEmail, status) == refused,
		Unfit: unfit(domain.ChannelEmail, status),
	}
}

// makeMail makes a mail of plain text and of HTML. Its id is that of the message, and it refers to that of the group,
// so that programs show a repeat once, and what is about a group together.
func makeMail(in *input, agent string) (*mail.Msg, error) {
	m := mail.NewMsg()
	if err := m.From(in.option("from", "")); err != nil {
		return nil, errors.New("the sender's address cannot be read")
	}
	if err := m.To(domain.MailRecipients(in.option("to", ""))...); err != nil {
		return nil, errors.New("the recipients cannot be read")
	}
	_, host, _ := strings.Cut(in.option("from", ""), "@")
	host = cmp.Or(strings.Trim(host, "> "), "belfry")
	m.Subject(alert.OneLine(strings.TrimSpace(in.option("subjectPrefix", "") + " " + in.content.Title)))
	m.SetDateWithValue(time.UnixMilli(in.message.At))
	m.SetMessageIDWithValue(in.message.ID.String() + "@" + host)
	if len(in.message.Groups) == 1 {
		m.SetGenHeader(mail.HeaderReferences, "<"+in.message.Groups[0].ID.String()+"@"+host+">")
	}
	m.SetGenHeader("Auto-Submitted", "auto-generated") // nobody who is away answers
	m.SetUserAgent(agent)
	m.SetBodyString(mail.TypeTextPlain, in.content.Text+"\n")
	m.AddAlternativeString(mail.TypeTextHTML, mailHTML(in))
	return m, nil
}

// mailHTML shows the text with its title and a link. Nothing of it is markup.
func mailHTML(in *input) string {
	var b strings.Builder
	b.WriteString(`<!DOCTYPE html><html><body style="font-family:sans-serif;color:#222">` +
		`<div style="border-left:6px solid ` + in.accent().color + `;padding-left:12px">` +
		`<h2 style="margin:0 0 8px">` + html.EscapeString(in.content.Title) + `</h2>`)
	text := strings.TrimSuffix(in.content.Text, "\n"+in.message.Link)
	for line := range strings.SplitSeq(text, "\n") {
		b.WriteString(`<div>` + html.EscapeString(line) + `&nbsp;</div>`)
	}
	if in.message.Link != "" {
		b.WriteString(`<p><a href="` + html.EscapeString(in.message.Link) + `">Open in Belfry</a></p>`)
	}
	b.WriteString("</div></body></html>\n")
	return b.String()
}
