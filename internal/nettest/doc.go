// Package nettest has addresses for tests of what happens when nobody answers.
//
// It guarantees that a connection to the address of [Refusing] is refused until the test ends,
// whatever else runs on the machine. A listener that is opened and closed again does not do that:
// the next test that listens on a port of the system's choice may get the same port.
package nettest
