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

// reserveFiles makes the kernel's table of open files as long as it may become. Linux
// doubles the table when it is full, and every thread that opens a file waits for that,
// 10 to 20 ms: thousands of new connections delayed the fires of other hosts that way.
// If it fails, only this advantage is lost.
func reserveFiles(n int) {
	if n < 1 { // the limit is unknown
		return
	}
	fd, err := unix.Open("/dev/null", unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return
	}
	if last, err := unix.FcntlInt(uintptr(fd), unix.F_DUPFD_CLOEXEC, n-1); err == nil {
		_ = unix.Close(last)
	}
	_ = unix.Close(fd)
}
