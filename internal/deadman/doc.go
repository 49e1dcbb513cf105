// Package deadman calls a URL for as long as Belfry fires jobs. Who answers there tells people when the calls stop:
// that Belfry has ended, or cannot send, is what it cannot tell them itself. Such services are called a dead man's
// switch, or a heartbeat monitor.
//
// # What it guarantees
//
//   - A call is made only while nothing keeps this server, or its cluster, from firing all jobs (Config.Fault).
//   - The first call is made at once, and further ones at the interval. One that fails is made again sooner.
//   - When jobs are not fired, it looks every second and calls as soon as they are again.
//   - The URL, which often has a token, is in no log.
//
// # How this is shown
//
// On virtual time with a client that counts (TestCalls), and in package e2e with a server whose database goes away.
package deadman
