// Package seal encrypts small secrets for storage. A sealed value is a text that can
// be opened only with the key, and only at the place it was sealed for.
//
//	sealed:v1:1f0a33c7:BASE64 of (24 bytes nonce, ciphertext, 16 bytes tag)
//	          │
//	          └ which key: the start of its SHA-256
//
// A [Box] seals with one key and opens with any number of keys, so that a new key can
// be introduced while values that were sealed with the old one are still stored. The
// place (which job, which version, which field) is the associated data of the cipher: a
// value that is copied to another row does not open there.
//
// The cipher is XChaCha20-Poly1305. Its nonces are long enough to be chosen at random
// without limit; ADR 14 has the reasons. The length of a value is not hidden.
//
// The tests of this package show that a value opens only with its key and at its place
// (TestOpensOnlyAtItsPlace, TestEveryBitCounts), that a foreign or damaged text is an
// error and never a panic (FuzzOpen), and that a key file is either complete or absent
// and can be read only by its owner (TestKeyFile).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	key.go box.go keyfile.go
package seal
