package app

import (
	"fmt"
	"log/slog"
)

// Open files. Each call in flight is one, and each client of the API. Running
// out of them would hit the store first, which is the last thing that should
// fail, so its share is set aside before the others are.
const (
	// ownFiles is how many Belfry may have open beside calls and clients. A
	// database with all its connections takes 11: two for each of five, one for
	// all. 64 history files and jobs.db make 715; locks, logs, sockets that listen
	// or ask for names, certificates: fewer than 100.
	ownFiles = 1_000

	// leastFiles is the least with which Belfry works. jobs.db and the history
	// files of two days with all connections take 33, 62 further ones that one
	// connection reads 186, the rest of its own some 30: half of it. The other
	// half is for 128 calls and as many clients.
	leastFiles = 512
)

// leastConns is how many connections to targets there may be even if fewer calls are
// configured: few calls at a time may go to many hosts, each of which keeps one.
const leastConns = 1_000

// quota is how many calls, clients and connections to targets there may be at a time. A
// call has one connection at most, and the others are idle: see executor.Config.MaxConns.
type quota struct{ calls, clients, conns int }

// newQuota returns what is wanted for so many calls and clients.
func newQuota(calls, clients int) quota { return quota{calls, clients, max(calls, leastConns)} }

// files returns how many open files that takes.
func (q quota) files() int { return q.conns + q.clients + ownFiles }

// fitFiles makes room for the calls and the clients that are asked for, or
// returns how many the system allows. The error says that it allows too few to
// work at all.
func fitFiles(want quota) (quota, error) {
	files := raiseOpenFiles(uint64(want.files()))
	fits, err := fit(want, files)
	if err != nil {
		return fits, err
	}
	reserveFiles(min(fits.files(), int(min(files, 1<<30))))
	return fits, nil
}

// tellFit warns when there are fewer calls or clients than are asked for.
func tellFit(want, fits quota, log *slog.Logger) {
	if fits.calls < want.calls || fits.clients < want.clients {
		log.Warn("the limit of open files is too low: raise it (ulimit -n, LimitNOFILE)", "open_files",
			raiseOpenFiles(0),
			"max_in_flight", want.calls, "used", fits.calls, "max_connections", want.clients, "clients", fits.clients)
	}
}

// fit shares a number of open files, zero when it is unknown. Calls go before
// clients, as far as half of what there is for both.
func fit(want quota, files uint64) (quota, error) {
	if files == 0 || files >= uint64(want.files()) {
		return want, nil
	}
	if files < leastFiles {
		return quota{}, fmt.Errorf("the limit of open files is %d, and Belfry needs %d to work at all: raise it "+
			"(ulimit -n, LimitNOFILE= of systemd, ulimits: of compose) to %d for the calls and clients that "+
			"are configured",
			files, leastFiles, want.files())
	}
	rest := int(files) - min(ownFiles, int(files)/2)
	calls := min(want.calls, max(rest-want.clients, rest/2))
	clients := min(want.clients, rest-calls)
	return quota{calls, clients, min(want.conns, rest-clients)}, nil
}
