// Package api is Belfry's REST API: the routes, one file per resource, and the
// document that describes them.
//
//	             ┌ headers, panics, log ┐ ┌ who may come in ┐ ┌ route ┐ ┌ form ┐
//	request ────▶│ package front        │▶│ auth.go         │▶│ huma  │▶│      │▶ handler
//	             └──────────────────────┘ └─────────────────┘ └───────┘ └──────┘     │
//	                                                           route.go: query names,│
//	problem document ◀── problem.go ◀── *domain.Error ◀────────content type, size ───┘
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
//   - What all requests together hold is bounded in bytes, and callers get their part in
//     turn: room.go has the arithmetic.
//   - The document at /openapi.json is made of the same Go types that the
//     handlers answer with, and holds every route: a route cannot be added
//     without it. It is written out at the first request for it.
//   - Doubled slashes, and slashes at the end of a path, make no difference, neither
//     to the route nor to the check of keys. The answer to an unknown path or method
//     suggests what was probably meant; the suggestion is never carried out.
//   - The answer to GET /jobs/{id} can be sent back as a change. A read-only field in
//     it must have its present value, and a document of an old version is refused
//     where it would undo a later change: package wire.
//   - A condition of a request (If-Match, If-None-Match) is evaluated as RFC 9110,
//     section 13 says, or the request is refused. It is never ignored: precondition.go. Nor is
//     another header, parameter or body that would change what a request means: headers.go.
//   - A request that makes something and has an Idempotency-Key is carried out once, and
//     answered as the first time: once.go.
//   - What makes or changes a job answers its document, as GET does after it and with the same
//     tag: saved.go. A tag covers all of the document, so that 304 is true of all of it.
//   - Probes (/healthz, /readyz) are answered to whoever reaches the server, by
//     HTTP/1.0 too, whatever Host and query they send.
//   - Connections are bounded, every answer has safe headers, and a panic ends one
//     request: package front.
//   - Every route requires a role; a request that no rule matches requires admin. The
//     refusal of a key does not say what was wrong with it.
//   - Every path may begin with /v1 and is the same then: for keys, limits, metrics and
//     Idempotency-Keys. Paths that an answer names begin with it, too: version.go.
//   - An operation that is going to go says so in every answer: deprecation.go.
//   - A key that is confined to a namespace learns nothing of the others, not even
//     which jobs or namespaces exist.
//   - Every change is in the audit trail, with who made it, and so is every export and what was
//     refused for a role or a namespace. However many of the latter two there are, a caller has a
//     bounded number of entries a day, which count: repeats.go.
//
// # Who decides what
//
// Handlers translate. They hold no rule about jobs: a spec is read by
// [wire.Merge] and judged by the owner of the job with
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
// the engine and its editor on a store in memory, whose calls can be made to fail
// (fixture_test.go): no test has rules of its own about edits. real_test.go runs
// them over the SQLite store.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	version.go deprecation.go
//	problem.go ratelimit.go dashboard.go cookie.go auth.go room.go params.go instant.go cursorseal.go
//	namespace.go
//	identity.go trail.go repeats.go body.go forward.go headers.go instanttext.go muxes.go internalonly.go
//	route.go
//	once.go paths.go serve.go
//	index.go
//	warnings.go certificate.go moved.go editor.go precondition.go tag.go prefer.go saved.go jobfilter.go
//	decodefields.go pausing.go jobs.go bykey.go bykeyedit.go restore.go versions.go
//	importstream.go importwarnings.go importonce.go importreport.go import.go export.go
//	executionfilter.go executions.go bykeyexecutions.go executionlists.go executionline.go history.go joborder.go
//	joblist.go running.go series.go feed.go
//	bulkbody.go bulk.go
//	schedules.go preview.go testcall.go forecastcost.go forecast.go metrics.go hosts.go cluster.go settings.go
//	events.go
//	alerts.go failing.go alertgroups.go settingtag.go channelbody.go channels.go channeltrial.go
//	audit.go me.go session.go oidc.go keys.go changes.go health.go docs.go
//	settingforms.go alertrules.go silences.go windows.go
//	api.go
package api
