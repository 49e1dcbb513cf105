// Package oidc signs people in by a provider of OpenID Connect: the flow with a code, between the browser, this server
// and the provider.
//
//	browser                     this server                      provider
//	   │ GET /session/oidc ────────▶ Begin
//	   │ ◀── address, sealed cookie ─┘
//	   │ ───────────────────────────────────────────────────────▶ who is it?
//	   │ ◀──────────────────────────────── address with state, code ─┘
//	   │ GET .../callback ─────────▶ Finish ── code, verifier ──▶ ID token
//	   │                              └─ checked: claims for package access
//
// # What it guarantees
//
//   - What comes back belongs to a sign-in that this browser has begun within ten minutes: state is compared with what
//     the browser has kept in a sealed text, the nonce of the token with the one in there, and the provider compares
//     the verifier (PKCE). Nothing is kept here, so that another server with the same secrets finishes what one began.
//   - The token is from the provider of the settings, for the client of the settings, in its time, and signed with a
//     key that the provider publishes, by an algorithm with two keys.
//   - The provider need not answer for the server to start or to run. It is asked again each five minutes, and
//     each half a minute while it fails. [RelyingParty.Warning] tells about it, about keys that cannot be read, and
//     about a sign-in that has failed by it. A browser that has gone is no failure of the provider.
//   - A provider cannot hold up the server: each of its answers has a limit in time and in bytes, redirects are not
//     followed, and so many sign-ins wait for it, and are finished, at a time.
//   - No error and no line of the log has a token, a code or a secret.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	refusal.go httpclient.go discovery.go flow.go
package oidc
