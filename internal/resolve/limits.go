package resolve

import "time"

// The budget of lookups.
const (
	// maxUnderWay is how many lookups are under way at a time. A lookup is two questions
	// at once, for IPv4 and IPv6: 128 questions. That is below the 150 which dnsmasq, a
	// common resolver on a machine or in its router, takes at a time by default, and two
	// open files for each lookup, which quotas of files need not count. At 50 ms a lookup
	// it is 1,280 names a second.
	maxUnderWay = 64

	// maxSuspects is how many of them are for names whose last lookup failed or was
	// slow. When no name server answers, each of these takes lookupTimeout. The other
	// quarter remains for names that may be quick: at 50 ms a lookup, 320 a second.
	maxSuspects = maxUnderWay * 3 / 4

	// slowLookup is how long a lookup takes that counts as slow. Usual ones take 1 ms
	// from a cache and 20 to 300 ms from far away.
	slowLookup = time.Second

	// lookupTimeout ends a lookup, whoever waits for it. Package net gives each name
	// server 5 s: the second one is asked within this time.
	lookupTimeout = 10 * time.Second

	// firstRepeat is when a question over UDP is sent again if there is no answer; the
	// time is doubled after each repeat. In the 5 s of a question it is sent three times:
	// after 0, 1 and 3 s. One lost packet in ten then fails one question in a thousand.
	firstRepeat = time.Second
	maxRepeats  = 2
)

// A name server that did not answer is passed over while another one answers.
const (
	// answersFor is for how long after its last answer a name server is taken to answer.
	answersFor = time.Minute
	// probeEvery is how often one lookup asks a silent name server again: that lookup takes
	// the timeout longer.
	probeEvery = 30 * time.Second
	// maxServers is how many name servers are remembered. A resolv.conf has three at most by
	// the rules of libc, and may be changed while the process runs.
	maxServers = 16
)

// The times for which answers are used.
const (
	// minTTL bounds how often one name is looked up.
	minTTL = time.Second
	// maxTTL bounds for how long a changed address is not seen. It is as long as
	// connections are used (executor.DefaultMaxConnAge).
	maxTTL = 5 * time.Minute
	// filesTTL is for answers without a question: from the hosts file. Package net reads
	// the file every 5 s at most.
	filesTTL = 5 * time.Second

	// A refusal without a TTL (RFC 2308, section 5, wants it not cached) is remembered for a
	// moment, so that a burst of calls asks once. maxRefusal bounds for how long a name
	// that was created just now is not seen.
	defaultRefusal = time.Second
	maxRefusal     = 30 * time.Second

	// A failure is remembered for minRetry, and for twice as long after each further one
	// (RFC 9520, section 3.2: at least 1 s, at most 5 min). The first retries of a call
	// come after 1, 2 and 3 s, and may thus look the name up again.
	minRetry = time.Second
	maxRetry = 30 * time.Second

	// maxStale is how long after the TTL the last addresses of a name that cannot be
	// looked up are used. RFC 8767, section 4, recommends one to three days for resolvers.
	// An hour is enough for most outages, and an address is rarely given to
	// somebody else within it.
	maxStale = time.Hour
	// staleWait is how long a call waits for a lookup before that (RFC 8767, section 5).
	staleWait = 1800 * time.Millisecond
)

// Names are looked up again ahead of the end of their answer, at an instant drawn between
// these parts of its time, so that names which were asked for together are not looked up
// together: 10,000 names with a TTL of 60 s are 556 a second for 18 s, within the budget.
const (
	aheadFrom = 0.6
	aheadTo   = 0.9
)

// maxUnused is how many lookups are made for a name after its last use. A name is
// looked up only to open a connection, and connections are used for minutes: hosts
// with a busy connection are not asked for within their TTL. See Config.KeepFor.
const maxUnused = 30

// What is remembered.
const (
	// maxNames is how many names are remembered. An entry takes 0.5 KB with a short name and a
	// few addresses, 8 MB in all. At worst it takes 1.5 KB (a name of 253 bytes, 32 addresses of
	// 24 bytes, 400 bytes of its own), 25 MB in all.
	maxNames = 16_384
	// maxPerFamily is how many addresses of one family are kept. An answer of 64 KB has
	// 4,000. The executor tries 8 (maxAddrs); the others are there if a guard refuses some.
	maxPerFamily = 16
)
