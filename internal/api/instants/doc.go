// Package instants writes the instants of a JSON answer as text (RFC 3339) while the answer
// is sent. Handlers answer in Unix milliseconds and know of no other form.
//
//	handler ──▶ {"createdAt":1767225600000,"spec":{"body":{"createdAt":1}}}
//	               │ Writer, by the Shape of the operation's schema
//	client  ◀── {"createdAt":"2026-01-01T00:00:00.000Z","spec":{"body":{"createdAt":1}}}
//
// # What it guarantees
//
//   - What is an instant is decided by the schema of the answer alone: by its place, never by
//     its name or its value. Content that belongs to a user (bodies, headers, tags, names) has no
//     schema of ours, so it is passed on byte by byte.
//   - All other bytes are passed on as they are, and in their order.
//   - It holds at most one number and a buffer of 4 KiB, however long the answer is and however
//     it is cut into writes. An answer of many documents (NDJSON) is many answers of one shape.
//   - A number that RFC 3339 cannot express (before the year 0, after 9999), or that is no
//     integer, stays a number.
//
// # How this is shown
//
// A rapid test writes random documents of random shapes, cut at random places, and compares
// with what a decoder makes of them. A fuzz target does the same with any bytes: what the
// shape does not name is unchanged. The tests of package api compare every operation's answer
// in both forms, over the schema of the document.
package instants
