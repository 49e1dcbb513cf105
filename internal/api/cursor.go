package api

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// cursor is a place in a list. Clients get it as opaque text and give it back
// unchanged; nothing is kept on the server, so a cursor lives as long as what
// it points at.
//
//	byte   0     1        9            25      33      37
//	       list  at       job          nonce   CRC-32
//
// as base64url without padding: 50 characters. The checksum is there to tell a
// user about a cut or mistyped cursor, not to keep anybody out: a cursor
// reaches nothing that its list does not.
type cursor struct {
	list  cursorList
	at    int64 // Unix milliseconds
	job   domain.JobID
	nonce int64
}

// cursorList says which list a cursor belongs to.
type cursorList byte

const (
	cursorJobs       cursorList = 'j' // after job
	cursorExecutions cursorList = 'x' // before (at, job, nonce)
	cursorChanges    cursorList = 'c' // before (at, nonce), and there is no job
	cursorAlerts     cursorList = 'a' // before (at, job), and nonce is lostNonce for an alert of lost fires
)

// lostNonce marks the place of an alert of lost fires, which comes right before
// the failures of the same job at the same instant.
const lostNonce = 1

const cursorBytes = 1 + 8 + 16 + 8 + 4

var cursorEncoding = base64.RawURLEncoding.Strict()

func (c cursor) String() string {
	b := make([]byte, 0, cursorBytes)
	b = append(b, byte(c.list))
	b = binary.BigEndian.AppendUint64(b, uint64(c.at))
	b = append(b, c.job[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.nonce))
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return cursorEncoding.EncodeToString(b)
}

// parseCursor reads a cursor of the list. Empty text is the start. A line break at
// its end, as shells leave it, is passed over.
func parseCursor(list cursorList, text string) (cursor, error) {
	if text == "" {
		return cursor{list: list}, nil
	}
	text = strings.TrimRight(text, "\r\n")
	wrong := kindMalformed.field("cursor", "must be a nextCursor of this list, unchanged", text)
	if len(text) != cursorEncoding.EncodedLen(cursorBytes) { // the decoder skips line breaks
		return cursor{}, wrong
	}
	b, err := cursorEncoding.DecodeString(text)
	if err != nil || len(b) != cursorBytes {
		return cursor{}, wrong
	}
	body, sum := b[:cursorBytes-4], binary.BigEndian.Uint32(b[cursorBytes-4:])
	c := cursor{
		list:  cursorList(body[0]),
		at:    int64(binary.BigEndian.Uint64(body[1:])),
		job:   domain.JobID(body[9:25]),
		nonce: int64(binary.BigEndian.Uint64(body[25:])),
	}
	if crc32.ChecksumIEEE(body) != sum || c.list != list || c.at < 0 || c.nonce < 0 || c.job.IsZero() != (list == cursorChanges) {
		return cursor{}, wrong
	}
	return c, nil
}

func (c cursor) fireKey() domain.FireKey {
	return domain.FireKey{JobID: c.job, ScheduledAt: c.at, Nonce: c.nonce}
}

func cursorOf(k domain.FireKey) cursor {
	return cursor{list: cursorExecutions, at: k.ScheduledAt, job: k.JobID, nonce: k.Nonce}
}
