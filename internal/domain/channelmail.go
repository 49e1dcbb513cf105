package domain

import (
	"net/mail"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/target"
)

// How the connection to an SMTP server is encrypted.
const (
	MailStartTLS = "STARTTLS" // after the greeting, or there is no mail
	MailTLS      = "TLS"      // from the first byte on
	MailNone     = "NONE"     // not at all: for a server on the same machine
)

// MailPorts are the usual ports.
var MailPorts = map[string]string{MailStartTLS: "587", MailTLS: "465", MailNone: "25"}

// maxRecipients bounds who gets a mail: servers take a hundred.
const maxRecipients = 50

// emailKind gets mails.
var emailKind = kindOfChannel{
	kind: ChannelEmail, fields: []ChannelField{
		{"host", false, true, "the SMTP server", mailHostFault},
		{"port", false, false, "its port; 587, with TLS 465, without encryption 25", portFault},
		{"security", false, false, "STARTTLS, TLS or NONE; STARTTLS unless said", oneOf(MailStartTLS, MailTLS,
			MailNone)},
		{"from", false, true, "the sender: belfry@example.com, or Belfry <belfry@example.com>", addressFault},
		{"to", false, true, "the recipients, separated by commas", recipientsFault},
		{"subjectPrefix", false, false, "what subjects begin with, such as [Belfry]", nil},
		{"user", false, false, "the user, if the server wants a login", nil},
		{"password", true, false, "the password of the user", nil},
		{"helo", false, false, "how Belfry calls itself; localhost unless said", mailHostFault},
	},
	target: func(c *Channel) string { return c.Options["to"] },
	check: func(c *Channel, fe *fieldErrors) {
		password := c.Secrets.Values["password"] != ""
		fe.requireAs(FieldContradiction, password == (c.Options["user"] != ""), "options.user",
			"must be given with the password, and only with it", nil)
		fe.requireAs(FieldContradiction, !password || c.Options["security"] != MailNone, "options.security",
			"must be STARTTLS or TLS: a password is not sent without encryption", c.Options["security"])
	},
}

func mailHostFault(value string) string {
	if strings.ContainsAny(value, "/@ ") || target.Of("http://"+bracketed(value)) == (target.Host{}) {
		return "must be a name or an address, without a port"
	}
	return ""
}

// bracketed puts an address of IPv6 into brackets, as it is in a URL.
func bracketed(host string) string {
	if strings.Count(host, ":") > 1 {
		return "[" + host + "]"
	}
	if strings.Contains(host, ":") {
		return "" // a port has its own field
	}
	return host
}

func portFault(value string) string {
	if n, err := strconv.ParseUint(value, 10, 16); err != nil || n == 0 {
		return "must be a number from 1 to 65535"
	}
	return ""
}

func addressFault(value string) string {
	if _, err := mail.ParseAddress(value); err != nil {
		return "must be an address of a mail: belfry@example.com, or Belfry <belfry@example.com>"
	}
	return ""
}

// MailRecipients reads a list of addresses; nil: it cannot be read.
func MailRecipients(list string) (addresses []string) {
	found, err := mail.ParseAddressList(list)
	if err != nil {
		return nil
	}
	for _, a := range found {
		addresses = append(addresses, a.String())
	}
	return addresses
}

func recipientsFault(value string) string {
	if n := len(MailRecipients(value)); n == 0 || n > maxRecipients {
		return "must be 1 to " + strconv.Itoa(maxRecipients) + " addresses, separated by commas"
	}
	return ""
}
