//go:build unix

package app

import "golang.org/x/sys/unix"

// raiseOpenFiles asks the system for n open files and returns how many it
// gives. Going beyond the hard limit takes a privilege; without it the hard
// limit is what there is. Zero: unknown.
func raiseOpenFiles(n uint64) uint64 {
	var have unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_NOFILE, &have) != nil {
		return 0
	}
	for _, want := range []unix.Rlimit{{Cur: n, Max: max(n, have.Max)}, {Cur: have.Max, Max: have.Max}} {
		if have.Cur >= n {
			break
		}
		if unix.Setrlimit(unix.RLIMIT_NOFILE, &want) == nil {
			have = want
		}
	}
	return have.Cur
}
