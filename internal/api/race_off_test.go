//go:build !race

package api

// everyDocument is which of the generated documents and values are sent: all.
const everyDocument = 1
