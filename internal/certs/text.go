package certs

import (
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"strings"
	"time"
	"unicode"
)

// maxNameBytes is how much is kept and shown of a name in a certificate. A DNS name has
// at most 253 bytes; what is longer than 100 is of no use in a message.
const maxNameBytes = 100

// maxNames is how many names of a certificate are kept and shown. Some have hundreds.
const maxNames = 5

// printable returns a name that a target sent as a short text that is safe to show on one line.
func printable(s string) string { return shorten(s, maxNameBytes) }

// shorten returns a text of at most so many bytes that is safe to show on one line.
func shorten(s string, most int) string {
	s = strings.Map(func(r rune) rune {
		if unicode.IsPrint(r) {
			return r
		}
		return unicode.ReplacementChar
	}, s)
	if len(s) > most {
		s = strings.ToValidUTF8(s[:most], "") + "..."
	}
	return s
}

// nameOf returns the part of a distinguished name by which people know it.
func nameOf(name pkix.Name) string {
	switch {
	case name.CommonName != "":
		return printable(name.CommonName)
	case len(name.Organization) > 0 && name.Organization[0] != "":
		return printable(name.Organization[0])
	case name.String() != "":
		return printable(name.String())
	}
	return "without a name"
}

// namesOf returns for what a certificate is valid, and how many more names it has.
func namesOf(cert *x509.Certificate) (names []string, more int) {
	all := len(cert.DNSNames) + len(cert.IPAddresses)
	names = make([]string, 0, min(all, maxNames))
	for _, name := range cert.DNSNames[:min(len(cert.DNSNames), maxNames)] {
		names = append(names, printable(name))
	}
	for _, ip := range cert.IPAddresses[:min(len(cert.IPAddresses), maxNames-len(names))] {
		names = append(names, ip.String())
	}
	return names, all - len(names)
}

// date shows an instant as messages do.
func date(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// roughly shows a duration in its largest unit.
func roughly(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%d days", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%d hours", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%d minutes", d/time.Minute)
	}
	return "a minute"
}
