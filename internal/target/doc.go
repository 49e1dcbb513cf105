// Package target parses the URL of a target, in one way for all: validation, egress,
// limits, pools and connections mean the same host by the same URL.
//
// # What it guarantees
//
//   - A [Host] is the identity of where a call goes: scheme, host and port. Two
//     URLs have equal Hosts exactly when a call of one may use a connection, a
//     limit and a rule of the other. It is comparable and as long as a pointer.
//   - Its text is a URL of its own, which has the same Host: the scheme and the
//     name in lower case (RFC 3986, section 6.2.2.1), a name of another script in
//     its xn-- form (RFC 5891), an IPv6 address in its shortest form (RFC 5952), an
//     IPv4-mapped one as IPv4, the port always and without zeros before it.
//   - A URL that can be read in more than one way has no Host and is not called: with a
//     user name, an encoded host, brackets around anything but an IPv6 address, or an
//     invalid port.
//   - What [Fault] accepts, [Parse] accepts.
//   - Nothing here changes what is sent: [Target.Header] and [Parts.Path] are as the
//     user wrote them, but for what RFC 6874 takes away (the zone).
//
// # Which URLs name one host
//
//	http://A.x/1            http://a.x:80/2             one: case, default port
//	http://a.x:080          http://a.x:                 the same one
//	http://münchen.de       http://XN--MNCHEN-3YA.de    one
//	http://[2001:DB8:0::1]  http://[2001:db8::1]        one
//	http://[::ffff:7f00:1]  http://127.0.0.1            one: the same socket
//	http://a.x              https://a.x                 two
//	http://a.x              http://a.x:443              two
//	http://a.x              http://a.x.                 two: a resolver may put a search domain after the first
//	http://[fe80::1%25eth0] http://[fe80::1%25eth1]     two: another link
//
// # How it goes
//
//	URL ──> Cut ──> Origin, Path           where the text ends; allocates nothing
//	         └────> Of, Parse ──> Host     Of reads a plain URL without parsing it
//
// Of is called for every job at a start, so it must be fast. Its fast path (plain.go)
// reads lower-case names and IPv4 addresses only and leaves all others to Parse. Tests
// compare the two.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	host.go plain.go parse.go fault.go
//
// # How this is shown
//
// TestHosts has the table above and more, both ways. FuzzTarget and TestProperties
// hold, over any text and over URLs made of odd parts, the fast reading against the
// slow one, a Host's text against the Host, Fault against Parse, and Cut against
// package net/url. That jobs of several spellings share one limit is shown in
// package engine (TestSpellingsShareALimit), that they share connections and keep
// their Host headers in package executor (TestSpellingsShareConnections), both by
// the built binary in e2e (TestSpellingsOfAHost).
package target
