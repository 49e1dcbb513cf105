// Package certs makes connections to targets secure: it decides whether the certificate
// of a target is accepted, does so once for each chain, resumes sessions, and records when
// certificates expire.
//
// # What it guarantees
//
//   - A handshake ends well only if the chain that the target presents is valid at that
//     moment, for the name in the URL, up to an authority of [Roots] of that moment. This
//     is the verification of package crypto/tls, with the same options and the same alert.
//   - The result is remembered only if it is good: for the same chain, name and
//     authorities, not beyond the time in which each certificate of the chain is valid, for
//     keepVerified at most, and not before the instant at which it was found. So a step of
//     the clock, in either direction, has the same effect as without the memory.
//   - A resumed session is verified like a new one. A session whose chain is not valid any
//     more is not offered to the target: the handshake is a full one, in which the target
//     can present a new certificate.
//   - Sessions and connections of one [Peer] are never used for another one: with and
//     without verification, and with different client certificates, are different peers.
//   - The file of authorities is read again when it has changed, at the first handshake
//     lookEvery after the last look. One that cannot be used changes nothing.
//   - The memory has limits, whatever targets send: see the constants.
//   - A text about a failed verification has the name, the issuer and the dates, and says
//     what to do. What a target sent is cut and made printable.
//
// # How a handshake goes
//
//	Target.Handshake ──> session of the peer? ──> crypto/tls ──> verify ──> Fact
//	                     valid now, same                          │
//	                     authorities                              ├ known: the same chain, name, authorities
//	                                                              └ x509.Verify; others with the same chain wait for it
//
// Package crypto/tls verifies a chain at each handshake and has no way to supply the
// result. So its verification is off (InsecureSkipVerify), and VerifyConnection does it. It
// is called in each handshake, of resumed sessions too, before anything is written to
// the connection. ADR 28 has the reasons and the figures.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	lru.go text.go roots.go verify.go sessions.go fact.go expiry.go explain.go alert.go client.go
//
// # How this is shown
//
// Real handshakes with generated certificates and a clock that can be stepped: expired,
// early, wrong name, unknown authority, each on a new connection, with a result that was
// remembered, and on a resumed session, with TLS 1.2 and 1.3. Each of them is compared
// with what crypto/tls says of the same chain (TestAsCryptoTLS). Texts are golden.
package certs
