// Package dispatch decides which run is sent next, and how many calls each host gets
// at a time.
//
// # What it guarantees
//
// Hosts take turns, whatever the length of their queues. Inside a host runs that are
// on time go before late ones, and late ones use at most a quarter of all slots. A
// host that does not answer keeps its own slots busy and nobody else's. Queues are
// bounded: what finds no room is kept as spans, which take no memory per fire.
//
// The limit of a host is found while its calls run: see limit.go.
//
// # Locks
//
// One lock guards all of it. It comes before Job.Mu, and nothing that waits is done
// with it held.
package dispatch
