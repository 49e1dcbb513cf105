// Package wire reads and writes all text that Belfry exchanges with the outside: job documents, files of many jobs,
// cursors of lists, and the numbers and instants in them. The API, the CLI and the import use it.
//
//	text ──▶ form.go ──────▶ change.go ─────▶ merge.go, jobfields.go ──▶ domain.SpecDoc ──▶ document.go ──▶ text
//	         one object,     fields apart     laid over the job,                         with masks, or
//	         UTF-8, limits   from read-only   every fault by name                        revealed
//	           ▲
//	items.go ──┘  one item of an array or of NDJSON at a time
//
// # What it guarantees
//
//   - There is one way to read a text, whichever program reads it. The rules for a file of jobs (an array or one job a
//     line, its encoding, the maximum length of an item) are the same for POST /jobs/import and belfry import.
//   - The content of a text is accepted or refused, never silently altered: two members of one name, an unpaired
//     surrogate, bytes that are not UTF-8, null among texts, a fraction instead of an integer. The body of a job
//     belongs to its user and is accepted unchanged.
//   - Memory and time are bounded by the length of the text: members and depth of an object have limits, and an item
//     that is too long is skipped, not stored.
//   - A fault names the field and says what is permitted. All faults of a document are reported at once. A refused
//     document changes nothing.
//   - Values are not checked here: domain.Spec.Validate checks them. Package wire defines how a value is written,
//     package domain which values are permitted.
//   - [Merge] accepts what [Document] and [Revealed] write, and yields the same job.
//   - A cursor that was cut or mistyped is refused, and so is a cursor of another list.
//
// # Errors
//
// A [Fault] says why a text cannot be read at all; a *domain.Error with CodeInvalid says which fields of a readable
// text are wrong. Errors of the underlying reader are returned unchanged. The API answers with a problem document, the
// CLI prints a line.
//
// # How this is shown
//
// Tables of documents and their faults (merge_test.go, form_test.go, change_test.go); a test that every field of a spec
// and of its parts is a field of the document; FuzzSpecMerge: no input panics, a refused one changes nothing, an
// accepted one is the same after a round trip; rapid tests that a text read without a decoder equals what the decoder
// reads, that unpaired surrogates are what encoding/json would replace, and that lines come out in order however the
// reads are split; FuzzItems and FuzzCursor.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	jsonfault.go surrogate.go number.go instant.go form.go jsonvalue.go document.go fieldkind.go jobfields.go
//	merge.go change.go kept.go changed.go items.go cursor.go
package wire
