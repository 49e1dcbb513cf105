// Package config reads the settings of `belfry serve` from five sources:
//
//	defaults  <  file (YAML)  <  .env  <  environment  <  flags
//
// For each setting, the last source in this list that has a value wins. [Settings] is the
// only table of settings: the flags, the help, the printed form, and the checks of keys
// in a file and of names in the environment are all generated from it.
//
// # What it guarantees
//
//   - Strict. A key in the file or a BELFRY_ variable that is not a setting is refused, and
//     the error has the setting that was probably meant. A wrong value is refused even if
//     another source overrides it.
//   - Complete. All errors are reported at once ([Errors]), each with its source, its value
//     and what would be right.
//   - The whole file is read. A file that is too large, has a second YAML document or is not
//     UTF-8 is refused, and the error says which of these it is. A byte order mark is ignored.
//   - Closed by default. The server listens on loopback unless an API key or a host is set.
//     Without an API key, here or in the database, it refuses to listen on another address
//     ([Config.Exposed]), unless --insecure-no-auth is set.
//   - A key can be used, not guessed: API keys have 32 characters or more. A setting accepts
//     shorter ones, and then the log and the health check name them.
//   - Secrets stay secret. An API key leaves the package only through [Secret.Reveal]. It is
//     never printed, logged or part of an error. There is no flag for it, because every user
//     of a machine can read the arguments of a process.
//
// [LocalServer] returns the address of the server on this machine, from the same sources
// except flags.
//
// Other programs may use the same .env file and the same environment: names that are not
// settings and do not begin with BELFRY_ are ignored. An empty variable counts as one
// that is not set, because `PORT=${PORT:-}` in a compose file means that.
//
// # How this is shown
//
// Tests have tables of good and bad values for each setting, each from every source.
// Another test checks the precedence for all settings, and one searches every printed
// form for a key that was set.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	variable.go secret.go path.go kind.go fault.go
//	config.go cluster.go database.go value.go namespaces.go certificates.go egress.go proxies.go signing.go alerts.go
//	oidc.go
//	setting.go describe.go flags.go document.go load.go local.go
package config
