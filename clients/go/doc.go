// Package clients tries clients that other programs generate from the OpenAPI document. `make clients` generates them
// into folders beside this file, which are not committed, and runs the tests against a server.
package clients
