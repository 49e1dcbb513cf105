// Package oidctest is a provider of OpenID Connect for tests, on loopback, which says and signs what a test wants it
// to: also what no provider should. That sign-ins work with one that others have written is shown in e2e.
package oidctest
