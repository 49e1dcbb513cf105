package api

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

// cursorSeals hide the jobs of cursors from confined callers, who must not know of each job that a
// list ends its work at. The id of a job is just one block of AES. The first one seals, any
// one opens: while encryption keys are replaced, servers have them in different orders.
type cursorSeals []cursorSeal

// cursorSeal is one key, and a number that says in a cursor which key has sealed it.
type cursorSeal struct {
	block cipher.Block
	names cipher.AEAD // seals names, with a key of its own
	mark  int64       // 62 bits, at least 1
}

// newCursorSeals returns what seals cursors with keys of 32 bytes. Without one cursors hold
// until the process ends.
func newCursorSeals(keys [][]byte) (cursorSeals, error) {
	if len(keys) == 0 {
		keys = [][]byte{make([]byte, 32)}
		_, _ = rand.Read(keys[0]) // never fails: crypto/rand aborts the process instead
	}
	seals := make(cursorSeals, len(keys))
	for i, key := range keys {
		block, err := aes.NewCipher(key)
		if err != nil {
			return nil, err
		}
		sum := sha256.Sum256(append([]byte("mark of cursors "), key...))
		forNames := sha256.Sum256(append([]byte("names of cursors "), key...))
		names, err := aes.NewCipher(forNames[:])
		if err != nil {
			return nil, err
		}
		aead, err := cipher.NewGCMWithRandomNonce(names)
		if err != nil {
			return nil, err
		}
		seals[i] = cursorSeal{block, aead, 1 + int64(binary.BigEndian.Uint64(sum[:])>>2)} //nolint:gosec // 62 bits
	}
	return seals, nil
}

// instantBits is how many bits of a cursor's instant are that instant: until the year 10889. A
// short mark is above them.
const instantBits = 48

// short returns the mark in 15 bits, never zero.
func (s *cursorSeal) short() int64 { return 1 + s.mark%(1<<15-1) }

// sealed writes a cursor. It holds as long as a server has the key.
func (cs cursorSeals) sealed(c wire.Cursor) string {
	if c.List == wire.CursorNames {
		c.Name = cs[0].sealedName(c.Name)
	}
	cs[0].block.Encrypt(c.Job[:], c.Job[:])
	c.At |= cs[0].short() << instantBits
	return c.String()
}

// opened returns a cursor as it was before it was sealed. The start of a list is not sealed. A cursor
// without a mark is one of a build that had none, sealed with the key that was the first one.
func (cs cursorSeals) opened(c wire.Cursor) (wire.Cursor, error) {
	if c.Job.IsZero() {
		return c, nil
	}
	mark := c.At >> instantBits
	c.At &= 1<<instantBits - 1
	for i := range cs {
		if mark == 0 || mark == cs[i].short() {
			cs[i].block.Decrypt(c.Job[:], c.Job[:])
			return cs[i].openedName(c)
		}
	}
	return c, errCursorEnded()
}

// sealedNameStep is of which length a sealed name is a multiple, so that its own length is seen roughly at most.
const sealedNameStep = 128

// sealedName seals the name of a cursor, which may be that of a job that the caller must not know of.
func (s *cursorSeal) sealedName(name string) string {
	padded := make([]byte, (len(name)/sealedNameStep+1)*sealedNameStep)
	copy(padded, name) // a name has no zero byte
	return string(s.names.Seal(nil, nil, padded, nil))
}

func (s *cursorSeal) openedName(c wire.Cursor) (wire.Cursor, error) {
	if c.List != wire.CursorNames {
		return c, nil
	}
	name, err := s.names.Open(nil, nil, []byte(c.Name), nil)
	if err != nil {
		return c, errCursorEnded()
	}
	c.Name = string(bytes.TrimRight(name, "\x00"))
	return c, nil
}

// sealedJob writes the cursor of a list of jobs whose work ended at a job that the caller must
// not know of.
func (cs cursorSeals) sealedJob(id domain.JobID) string {
	cs[0].block.Encrypt(id[:], id[:])
	return wire.Cursor{List: wire.CursorJobs, At: cs[0].mark, Job: id}.String()
}

// openedJob returns the job that a cursor of a list of jobs is at.
func (cs cursorSeals) openedJob(c wire.Cursor) (domain.JobID, error) {
	if c.At == 0 { // not sealed
		return c.Job, nil
	}
	for i := range cs {
		if c.At == cs[i].mark {
			cs[i].block.Decrypt(c.Job[:], c.Job[:])
			return c.Job, nil
		}
	}
	return domain.JobID{}, errCursorEnded()
}

// errCursorEnded refuses a cursor that was sealed with a key that the server does not have.
func errCursorEnded() error {
	return kindMalformed.fieldAs(domain.FieldFormat, "cursor",
		"has ended with a change of the encryption key: begin with the first page", nil)
}
