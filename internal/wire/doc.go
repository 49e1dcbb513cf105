// Package wire is the one reader and writer of what crosses Belfry's border as text: the document of a job, files of
// many
// of them, cursors of lists, and the numbers and instants in them. The API, the CLI and the import read with it.
//
//	text ──▶ form.go ──────▶ change.go ─────▶ merge.go, fields.go ──▶ domain.SpecDoc ──▶ document.go ──▶ text
//	         one object,     fields apart     laid over the job,                         with masks, or
//	         UTF-8, limits   from read-only   every fault by name                        revealed
//	           ▲
//	items.go ──┘  one item of an array or of NDJSON at a time
//
// # What it guarantees
//
//   - A text is read in one way, whoever reads it. What a file of jobs is (an array or one job a line, its encoding,
//     how
//     long an item may be) is the same for POST /jobs/import and belfry import.
//   - What a text says is taken or refused, never altered in silence: two members of one name, half of a character,
//     what is
//     not UTF-8, null among texts, a fraction in the place of a whole number. The body of a job is its user's own and
//     is
//     taken as it is.
//   - Memory and time are bounded by the length of the text: members and depth of an object have limits, and an item
//     that is too long is read over, not kept.
//   - A fault names the field and what would be right. All faults of a document are told at once. A document that is
//     refused changes nothing.
//   - Values are not judged here: domain.Spec.Validate does. wire says how a value is written, domain what it may be.
//   - What [Document] and [Revealed] write, [Merge] takes, and makes of it the same job.
//   - A cursor that was cut or mistyped is refused, and so is one of another list.
//
// # Errors
//
// A [Fault] says why a text cannot be read at all; a *domain.Error with CodeInvalid says what is wrong with the fields
// of
// one that can. Errors of the reader underneath come as they are. The API answers them as a problem document, the CLI
// prints a line.
//
// # How this is shown
//
// Tables of documents and their faults (merge_test.go, form_test.go, change_test.go); a test that every field of a spec
// and of its parts is one of the document's; FuzzSpecMerge: no input panics, a refused one changes nothing, a taken one
// comes back the same; rapid tests that a text taken without a decoder is what the decoder reads, that half characters
// are what encoding/json would replace, and that lines come out in order however reads are cut; FuzzItems and
// FuzzCursor.
package wire
