// Package egress says where calls may go: a policy over addresses, names and
// ports, without state and without I/O but for the list of the machine's own
// addresses.
//
// # What it guarantees
//
//   - Some addresses are refused whatever the settings say: those of cloud
//     metadata, link-local, unspecified, multicast, broadcast, and the one on
//     which Belfry itself listens.
//   - In [Public] mode every address that is not part of the public internet is
//     refused too, unless the allow list names it.
//   - An address is judged together with the IPv4 address that it leads to:
//     IPv4-mapped and IPv4-compatible forms, NAT64, 6to4, Teredo and ISATAP.
//   - A refusal names the rule.
//
// # Where it is used
//
//	URL of a job ──> CheckURL ──> a warning in the answer to its creator
//	name ──> CheckName ──> lookup ──> CheckAddr, for each address ──> connect
//
// The executor asks CheckName and CheckAddr for every new connection, and then
// connects to that very address. Nothing is looked up in between, so a name that
// leads to another address a moment later (DNS rebinding) has no effect. A connection
// that is kept open was judged for the same host and port, and a policy does not
// change while the process runs.
//
// docs/egress.md has the table of ranges for operators.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	form.go ranges.go rule.go policy.go
//
// # How this is shown
//
// A table with the first and the last address of each range and their
// neighbours, in every form; properties over random addresses; and, in package
// executor, a DNS server that rebinds between lookups with real listeners.
package egress
