// Package bench measures Belfry from outside, so that everybody can reproduce the figures
// in the documents.
//
//	bench ── starts ──► belfry receiver      a process of its own: its CPU time is not the server's
//	   │                    ▲ POST
//	   ├── starts ──► belfry serve           a process of its own, in a folder of its own
//	   ├── bare loop ───────┘                a client that only sends POST requests: the limit
//	   └── store/sqlite                      the history alone: in this process, without HTTP
//
// With [Config.Database] the databases are those of a PostgreSQL server, and are dropped at the end.
//
// The history is the exception (ADR 15): the bench fills a store with 100 million
// executions through the store's own Record, and queries it directly.
//
// # What it must guarantee
//
//   - What the receiver has received is measured: how many distinct executions, and how long
//     after their instant. The server's own figures are not used.
//   - Only loopback is used. At the end, also after an interruption, every process has ended
//     and every folder is removed. Each measurement has a time limit.
//   - A server that is overloaded, or that does not stop, ends no measurement with many hosts:
//     each part has a time limit, and what could not be measured is a row of the report.
//   - A throughput is compared with the bare loop of the same run, because a ratio that was
//     measured within a minute says more than the absolute figure of one machine.
//   - A run with a missing, duplicate or early fire is an error, never a good figure. So is a
//     list that is incomplete or out of order.
//
// # How this is shown
//
// Tests run every measurement for a second or two at a low rate, and check in the report
// what must be true at any speed: the number of executions, the order of the percentiles,
// and that no process remains. The search for the throughput is tested separately, with
// simulated machines whose limit is known.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	process.go receiverprocess.go bare.go database.go environment.go world.go burst.go
//	recorded.go bench.go
//	throughput.go drift.go lone.go traffic.go pages.go bulk.go create.go inflight.go recovery.go big.go
//	clusterends.go cluster.go
//	hosts.go hostsbare.go hostsload.go hostsoverload.go hostsmemory.go nameserver.go hostsnames.go
//	hostsrun.go
//	crowd.go historyfill.go historyquery.go historyexport.go historydrop.go history.go
//	table.go growth.go svg.go hoststables.go historytext.go clustertable.go tables.go report.go
package bench
