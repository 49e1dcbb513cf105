// Package access decides who a caller of the API is and how much of it he may
// have.
//
//	request ─▶ address over its failures? ─▶ key known? ─▶ Caller ─▶ role, rate
//	            Throttle: 429                Keyring: 401            403, 429
//
// # What it guarantees
//
//   - A key is kept nowhere. What is stored and held is its SHA-256, by which
//     it is also looked up: a request costs one hash and one look into a map.
//   - A refusal does not tell why: an unknown, an expired and a revoked key are
//     answered alike, and the time of the answer depends on the hash of what
//     was sent, which its sender cannot steer towards the hash of a key.
//   - A key that is revoked opens nothing from then on; no cache has to run out.
//     When it is not known whether the store has the revocation, the key is
//     refused all the same.
//   - The server cannot be locked by its own keys: the first key is an admin's,
//     and the last key that is an admin's without an expiry cannot be revoked while
//     there is no key in the settings.
//   - A session is a sealed text that the browser keeps ([Sessions]). It ends by itself, by a
//     logout, and with its key; each of these holds at every server within a second. Nobody chooses
//     the id of a session, and the text opens for no other purpose.
//   - Without a key only those come in of whom a provider of OpenID Connect says what a grant of the
//     settings names ([Admission]). What they may do is in the settings alone: when these change, or
//     the provider, or its client, all sessions of people end.
//   - Nothing grows with the number of strangers: [Throttle] keeps a bounded
//     number of addresses, and those beyond share one allowance.
//
// # How this is shown
//
// The tests are attacks: guessing, many addresses, revoked and expired keys under
// load, a store that fails in the middle of a change, all under the race
// detector.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	addresses.go keyring.go throttle.go claims.go person.go session.go
package access
