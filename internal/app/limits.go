package app

import "log/slog"

// ownFiles is how many files Belfry may have open beside its calls and the
// clients of its API: databases, logs.
const ownFiles = 1_000

// fitCalls makes room for the configured calls in flight, each of which is an
// open file as each client of the API is, or returns how many the system allows. Running out of files would
// hit the store first, which is the last thing that should fail.
func fitCalls(want, clients int, log *slog.Logger) int {
	beside := clients + ownFiles
	files := raiseOpenFiles(uint64(want + beside))
	fits := fit(want, beside, files, log)
	reserveFiles(min(fits+beside, int(min(files, 1<<30))))
	return fits
}

func fit(want, beside int, files uint64, log *slog.Logger) int {
	if files == 0 || files >= uint64(want+beside) {
		return want
	}
	fits := int(files) - beside
	if fits < int(files)/2 {
		fits = int(files) / 2
	}
	log.Warn("the limit of open files is too low for max_in_flight: raise it (ulimit -n, LimitNOFILE)",
		"open_files", files, "max_in_flight", want, "used", fits)
	return fits
}
