// Package config finds out what an operator wants `belfry serve` to do, from
// five places:
//
//	defaults  <  file (YAML)  <  .env  <  environment  <  flags
//
// A later place wins, setting by setting. [Settings] is the one table of what
// there is to set; the flags, the help, the check of a file's keys and of the
// environment's names, and the printed form all come from it.
//
// # What it guarantees
//
//   - Strict. A key in the file or a BELFRY_ variable that is no setting is
//     refused by name, with the setting that was probably meant. A wrong value
//     is refused also where a later place overrides it.
//   - Complete. All faults are reported at once ([Errors]), each with its place,
//     its value and what would be right.
//   - Whole. A file that holds more than is read, a second YAML document, or that is
//     no UTF-8 is refused as what it is. A byte order mark is no part of it.
//   - Closed by default. The server listens on loopback unless told otherwise,
//     and without an API key, here or in the database, it refuses to be told
//     ([Config.Exposed]), unless the operator says --insecure-no-auth.
//   - Discreet. An API key leaves the package only through [Secret.Reveal]; it
//     is in no printed form, log value or error, and it cannot be a flag,
//     because every user of a machine can read the arguments of a process.
//
// [LocalServer] tells commands where the server on this machine is, from the same
// places.
//
// The .env file may belong to other programs as well, and so may the
// environment: names without the BELFRY_ prefix that are no settings are left
// alone. An empty variable counts as one that is not set, which is what
// `PORT=${PORT:-}` in a compose file means.
//
// # How this is shown
//
// Tables of good and bad values per setting, each from every place; a test of
// the precedence over all settings; and a canary key that is looked for in
// every printed form.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	variable.go secret.go path.go kind.go fault.go
//	config.go value.go certificates.go egress.go signing.go
//	setting.go describe.go flags.go document.go load.go local.go
package config
