// Package resolve finds the addresses of host names, and remembers them for as long as
// the name servers allow.
//
// # What it guarantees
//
//   - At most maxUnderWay lookups are under way, and each name is looked up once at a
//     time: all calls that need it share the lookup. The others wait in line.
//   - The line is fair: names take turns, first come first served, in three classes (see
//     line). Names whose last lookup failed or was slow have three quarters of the budget at
//     most, so name servers that do not answer do not occupy all of it.
//   - An answer is used until its TTL has passed, between minTTL and maxTTL. A refusal is
//     remembered as RFC 2308 says, within bounds; a failure for a second, and twice as
//     long each time up to maxRetry.
//   - A name that is in use is looked up again before its answer runs out, at a drawn
//     instant. While that lookup is under way the old answer is used: calls to a name
//     that is in use do not wait.
//   - When a name cannot be looked up its last addresses are used, until maxStale after
//     their TTL (RFC 8767). A call waits for the lookup at most staleWait before that.
//     An authoritative no, that the name does not exist or has no address, is no failure:
//     from then on the old addresses are not used.
//   - A lookup in which some name server did not answer proves no absence: it counts as
//     a failure. Where the question for one address family failed, the known addresses of
//     that family are kept.
//   - A name server that did not answer is passed over while another one answers, but for
//     one lookup in probeEvery.
//   - localhost, and the names below it, are 127.0.0.1 and ::1: no name server is asked.
//   - At most maxNames names are remembered, with maxPerFamily addresses of each family.
//     The name that was unused for longest is dropped first.
//
// Whether an address may be called is for the caller to judge, each time: the package
// only returns addresses.
//
// # How a name is found
//
//	Resolve ──> table of names ──> judge ──> serve, refuse, or wait for a lookup
//	Prepare ──────┘     ^                                     │
//	timer of the name ──┤                                     v
//	                    │                          line: demanded, ahead, suspect
//	                    │                                     │ budget
//	                  learn <── exchanges <── net.Resolver <──┘
//
// [net.Resolver] does the lookup: it reads the configuration of the system (hosts file,
// search list, name servers), asks again over TCP when an answer is truncated, and sorts
// the addresses by RFC 6724. It hides the TTL and says "no such host" also when one of
// its questions failed. So its connections to the name servers are wrapped, and what
// passes is read a second time: see exchanges (ADR 27). The wrapper also repeats a
// question over UDP that gets no answer for a second. Package net asks again only after
// five seconds, by which time the call is over.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	limits.go localhost.go answer.go exchanges.go server.go silence.go system.go
//	entry.go line.go resolver.go outage.go
//
// # How this is shown
//
// Truth tables test the pure decisions: judge, learn, the times, the turns of the line.
// Tests in virtual time show sharing, refreshing, retries and the end of old addresses.
// Package dnstest is a name server, over UDP and TCP, that is slow, loses packets, fails,
// refuses, truncates and sends thousands of addresses; tests look names up there through
// the real path. In package executor a test stops the name server and calls hosts on.
package resolve
