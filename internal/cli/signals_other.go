//go:build !unix

package cli

// serverSignals does nothing: the signals it is about do not exist here.
func serverSignals(func()) func() { return func() {} }
