package app

import "log/slog"

// ownFiles is how many files Belfry may have open beside its calls: databases,
// logs, clients of the API.
const ownFiles = 2_000

// fitCalls makes room for the configured calls in flight, each of which is an
// open file, or returns how many the system allows. Running out of files would
// hit the store first, which is the last thing that should fail.
func fitCalls(want int, log *slog.Logger) int {
	return fit(want, raiseOpenFiles(uint64(want)+ownFiles), log)
}

func fit(want int, files uint64, log *slog.Logger) int {
	if files == 0 || files >= uint64(want)+ownFiles {
		return want
	}
	fits := int(files) - ownFiles
	if fits < int(files)/2 {
		fits = int(files) / 2
	}
	log.Warn("the limit of open files is too low for max_in_flight: raise it (ulimit -n, LimitNOFILE)",
		"open_files", files, "max_in_flight", want, "used", fits)
	return fits
}
