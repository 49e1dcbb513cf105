// Package reference is the reference of the API: the OpenAPI document's frame and its
// schemas, and the page for people that is made of the finished document.
//
// The routes put themselves into the document (package api). [Finish] completes it, and
// [Page] renders it. Nothing on the page is written twice: fields, limits, defaults and
// examples come from the document, and that from the Go types that the handlers use.
//
// The page loads nothing from anywhere and runs no script. Its policy allows its own
// style, by hash, and nothing else.
//
// # How this is shown
//
// The tests of package api walk over the finished document and over the page: every
// reference leads somewhere, every field has words, every kind of problem is explained.
// The tests here hold the words for types and limits, and the hash of the style.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	instant.go operations.go examples.go document.go openapi30.go page.go
package reference
