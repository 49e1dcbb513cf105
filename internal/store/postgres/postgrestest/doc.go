// Package postgrestest starts PostgreSQL servers for tests, from the binaries that are installed.
//
// It is for unix systems. A server has its data in a temporary folder and listens on a Unix socket in it, or
// on the loopback address where a test wants that. It ends with the test's process, whatever ends that, and
// its folder is removed by [Server.Stop]. PostgreSQL refuses to run as root: then the server runs as the user
// "postgres", or as "nobody".
//
// # What it must guarantee
//
// Without the binaries a test is skipped, with the reason ([Shared]). Where the environment has
// POSTGRES_TESTS=required, as in CI, it fails instead: nothing is skipped there unseen.
//
// Each test has a database of its own ([Server.Database]), copied from a template, so that tests run at a
// time and need not clean up. fsync is off unless a test asks for it: what a test sees of a crash of the
// server's processes does not depend on it.
//
// A server can lose what it has committed last, as in a failover to an asynchronous standby ([Server.Fork]).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	parent_linux.go parent_other.go server.go fork.go shared.go bouncer.go
package postgrestest
