package app

import "os"

// countOpenFiles returns how many files the process has open; zero: unknown.
func countOpenFiles() int {
	dir, err := os.Open("/proc/self/fd")
	if err != nil {
		return 0
	}
	defer func() { _ = dir.Close() }()
	names, _ := dir.Readdirnames(-1)
	return max(0, len(names)-1) // without the folder itself
}
