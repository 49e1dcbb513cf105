package wire

import (
	"encoding/base64"
	"encoding/binary"
	"hash/crc32"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// Cursor is a position in a list. Clients get it as opaque text and send it back
// unchanged. The server stores nothing, so a cursor is valid as long as the row that it
// points at exists.
//
//	byte   0     1        9            25      33      37
//	       list  at       job          nonce   CRC-32
//
// as base64url without padding: 50 characters. A cursor of names has the name before the
// checksum. The checksum detects a cut or mistyped cursor. It is not for access control: a
// cursor gives access to nothing that its list does not contain.
type Cursor struct {
	List  CursorList
	At    int64 // Unix milliseconds
	Job   domain.JobID
	Nonce int64
	Name  string // of CursorNames
}

// CursorList says which list a cursor belongs to.
type CursorList byte

// The lists that have cursors.
const (
	CursorJobs       CursorList = 'j' // after job
	CursorExecutions CursorList = 'x' // before (at, job, nonce)
	CursorChanges    CursorList = 'c' // before (at, nonce), and there is no job
	CursorOperations CursorList = 'o' // before the operation whose id is that of the job
	CursorVersions   CursorList = 'v' // of the job, before the version whose number is nonce
	CursorAlerts     CursorList = 'a' // before (at, job), and nonce is LostNonce for an alert of lost fires
)

// The lists of groups of alerts and of messages about them: before the one whose id is that of the job.
const (
	CursorGroups        CursorList = 'g'
	CursorNotifications CursorList = 'n'
)

// The lists of jobs in another order than that of ids: after a job with that many failures, that next
// fire, or that last one, and with RestNonce among the jobs that the order is not about.
const (
	CursorFailures  CursorList = 'f'
	CursorNextFires CursorList = 't'
	CursorLastFires CursorList = 'l'
)

// CursorNames is the list of jobs by name: after (name, job), in the direction of the list.
const CursorNames CursorList = 'm'

// maxCursorName is the length of a name in a cursor, sealed or not.
const maxCursorName = 600

// RestNonce marks a position among the jobs that an order is not about.
const RestNonce = 1

// LostNonce marks the position of an alert of lost fires, which is right before the
// failures of the same job at the same instant.
const LostNonce = 1

const cursorBytes = 1 + 8 + 16 + 8 + 4

var cursorEncoding = base64.RawURLEncoding.Strict()

func (c Cursor) String() string {
	b := make([]byte, 0, cursorBytes)
	b = append(b, byte(c.List))
	b = binary.BigEndian.AppendUint64(b, uint64(c.At))
	b = append(b, c.Job[:]...)
	b = binary.BigEndian.AppendUint64(b, uint64(c.Nonce))
	b = append(b, c.Name...)
	b = binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(b))
	return cursorEncoding.EncodeToString(b)
}

// ParseCursor reads a cursor of the list. An empty text is the start. A line break at
// the end, which shells may add, is ignored.
func ParseCursor(list CursorList, text string) (Cursor, error) {
	if text == "" {
		return Cursor{List: list}, nil
	}
	text = strings.TrimRight(text, "\r\n")
	wrong := &Fault{Field: "cursor", Code: domain.FieldFormat, Message: "must be a nextCursor of this list, unchanged",
		Value: text}
	most := cursorBytes
	if list == CursorNames {
		most += maxCursorName
	}
	if len(text) > cursorEncoding.EncodedLen(most) {
		return Cursor{}, wrong
	}
	b, err := cursorEncoding.DecodeString(text)
	if err != nil || len(b) < cursorBytes || len(b) > most ||
		len(text) != cursorEncoding.EncodedLen(len(b)) { // the decoder skips line breaks
		return Cursor{}, wrong
	}
	body, sum := b[:len(b)-4], binary.BigEndian.Uint32(b[len(b)-4:])
	c := Cursor{
		List:  CursorList(body[0]),
		At:    int64(binary.BigEndian.Uint64(body[1:])),
		Job:   domain.JobID(body[9:25]),
		Nonce: int64(binary.BigEndian.Uint64(body[25:33])),
		Name:  string(body[33:]),
	}
	if crc32.ChecksumIEEE(body) != sum || c.List != list || c.At < 0 || c.Nonce < 0 ||
		c.Job.IsZero() != (list == CursorChanges) {
		return Cursor{}, wrong
	}
	return c, nil
}

// FireKey returns the fire that a cursor of executions is at.
func (c Cursor) FireKey() domain.FireKey {
	return domain.FireKey{JobID: c.Job, ScheduledAt: c.At, Nonce: c.Nonce}
}

// CursorOf returns the cursor of a list of executions that is at a fire.
func CursorOf(k domain.FireKey) Cursor {
	return Cursor{List: CursorExecutions, At: k.ScheduledAt, Job: k.JobID, Nonce: k.Nonce}
}
