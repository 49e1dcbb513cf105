// Package api is Belfry's REST API: the routes, one file per resource, and the
// document that describes them.
//
//	             ┌ recover, count, log ┐ ┌ who may come in ┐ ┌ route ┐ ┌ form ┐
//	request ────▶│ middleware.go       │▶│ auth.go         │▶│ huma  │▶│      │▶ handler
//	             └─────────────────────┘ └─────────────────┘ └───────┘ └──────┘     │
//	                                                          route.go: query names,│
//	problem document ◀── problem.go ◀── *domain.Error ◀───────content type, size ───┘
//
// # What it guarantees
//
//   - Every refusal is a problem document (RFC 9457) that names the field and
//     says what would be right. [Problem] is made in one place, problem.go,
//     which is also the only place that knows which [domain.Code] is which HTTP
//     status. Nothing tells a client a stack, a path or a cause.
//   - A request that is refused has stored nothing.
//   - Whatever a request holds, it costs a bounded amount of memory: bodies,
//     nesting, members of an object, items of an import, pages and the number
//     of imports at a time have limits.
//   - The document at /openapi.json is made of the same Go types that the
//     handlers answer with, and holds every route: a route cannot be added
//     without it.
//   - Slashes that are doubled or at the end of a path make no difference, to
//     the guard least of all. A path or a method that is none gets a pointer to
//     what was probably meant, and never does what it guesses.
//   - What GET /jobs/{id} answers can be sent back as a change. What can only be
//     read is held to what it is, never ignored, and a document of an old version
//     undoes nothing: wholejob.go.
//   - A condition of a request (If-Match, If-None-Match) is kept as RFC 9110,
//     section 13 says, or refused: never ignored. precondition.go.
//   - Probes (/healthz, /readyz) are answered to whoever reaches the server, by
//     HTTP/1.0 too, whatever Host and query they send.
//   - Nothing behind a request whose end a proxy may see elsewhere is taken for
//     the next one (RFC 9112, section 6.1): ambiguousLength in headers.go.
//   - Connections are bounded, and whoever waits has to make room for whoever
//     asks: neither idle nor slow clients keep others out.
//   - Every route asks for a role, and a request that no rule knows for an
//     admin's. A refusal of a key says nothing but that.
//   - A key that is confined to a namespace learns nothing of the others, not
//     even what exists there.
//   - Every change is in the trail of changes, with who made it.
//
// # Who decides what
//
// Handlers translate. They hold no rule about jobs: a spec is read by
// [wire.Merge] and judged by the engine with
// [domain.Version.Validate]. huma's own validation of parameters and bodies is
// switched off, so that there is one set of rules and one kind of message.
//
// # How this is shown
//
// Tables of bad input for every field and every parameter, and a test that
// walks over the OpenAPI document and lays every wrong value into each of them:
// no 5xx, nothing stored. For every field of a request and every
// parameter, values are made of what the schema says (at its bounds, beyond them,
// of other types, null, absent, in other spellings): the schema and the program
// must agree on each, in bodies, queries and paths of every operation: one that
// gains a body fails the test until it is tried. Every answer is checked against the schema that the
// document gives for it; golden files hold the paths and the names of the
// fields, so that the contract cannot change in passing. The limits and defaults of the
// document are sent to the domain, which must agree. Fuzz targets for the three
// decoders that meet outside bytes (spec, cursor, import). The handlers run over
// a fake of their two interfaces; real_test.go runs them over the real engine
// and the real store.
package api
