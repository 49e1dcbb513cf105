// Package page serves the dashboard: the files that `make build` makes of web/ and that are embedded in the
// binary. It knows nothing of jobs. What the dashboard shows it asks the public API, as every client does.
//
// # What it guarantees
//
//   - It compiles, and answers, without the files: [Page] then serves a short text that says how to get them.
//   - The shell may run its own script and use its own style and nothing else: no inline script or style, no eval,
//     nothing of another origin, no frame around it, and no text that becomes HTML (Trusted Types).
//   - Each path below [Prefix] that names no file is the shell, so that the address of a view can be opened, reloaded
//     and sent to somebody. Nothing of the API is below [Prefix].
//   - A file in assets/ is named by its content and may be kept for a year. The shell is asked for again each time, and
//     answered with 304 while it is the same.
//   - What a browser takes compressed it gets compressed. Each file is compressed once, at the first request for it.
//   - The page needs at most [MaxCompressed] bytes in all.
//
// # How this is shown
//
// page_test.go has the truth tables of paths, tags and codings, with files of its own, so that it runs without Node.
// TestPageIsSmall measures the files that are embedded, and fails without them where BELFRY_TEST_PAGE says that they
// were built, as `make web` does. The browser tests fail on anything that the policy forbids.
package page
