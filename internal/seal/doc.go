// Package seal keeps small secrets unreadable where they lie: a value becomes a
// text that only who has the key can open, and only at the place it was made
// for.
//
//	sealed:v1:1f0a33c7:BASE64 of (24 bytes nonce, ciphertext, 16 bytes tag)
//	          │
//	          └ which key: the start of its SHA-256
//
// A [Box] has one key that seals and any number that open, so that a new key
// can come in while values of the old one lie about. The place (which job,
// which version, which field) is the associated data of the cipher: a value that
// is copied to another row does not open there.
//
// The cipher is XChaCha20-Poly1305, whose nonces are long enough to be random
// for ever; the reasons are in ADR 14. The length of a value is not hidden.
//
// What is promised is shown in this package: a value opens with its key at its
// place only (TestOpensOnlyAtItsPlace, TestEveryBitCounts), a foreign or
// damaged text is an error and never a panic (FuzzOpen), and a key file is
// whole or not there, for its owner's eyes only (TestKeyFile).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	key.go box.go keyfile.go
package seal
