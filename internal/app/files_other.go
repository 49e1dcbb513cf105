//go:build !unix

package app

// raiseOpenFiles returns zero: the limit is unknown here.
func raiseOpenFiles(uint64) uint64 { return 0 }

// reserveFiles does nothing here.
func reserveFiles(int) {}
