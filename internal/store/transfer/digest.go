package transfer

import (
	"encoding/binary"
	"encoding/json"
	"hash/maphash"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/seal"
)

// sum is how many rows there are, and a sum over them that does not depend on their order. Two
// databases with the same rows have the same, and with others almost never: a row adds 64 bits
// of a hash whose seed is random.
type sum struct {
	rows int64
	hash uint64
}

// hasher makes sums of rows. Both sides of a comparison need the same seed.
type hasher struct {
	seed maphash.Seed
	buf  []byte
}

// end adds the row in the buffer.
func (h *hasher) end(to *sum) {
	to.rows++
	to.hash += maphash.Bytes(h.seed, h.buf)
	h.buf = h.buf[:0]
}

func (h *hasher) number(n int64) { h.buf = binary.BigEndian.AppendUint64(h.buf, uint64(n)) } //nolint:gosec // its bits

func (h *hasher) flag(b bool) {
	n := byte(0)
	if b {
		n = 1
	}
	h.buf = append(h.buf, n)
}

// text adds a text as every database has it: see same.
func (h *hasher) text(s string) {
	s = same(s)
	h.number(int64(len(s)))
	h.buf = append(h.buf, s...)
}

// replacement is what a text gets in place of what cannot be stored.
const replacement = "\uFFFD"

// same returns a text as it is in every database: PostgreSQL has neither zero bytes nor what is
// not UTF-8, and how many of these are replaced by one character differs.
func same(s string) string {
	if utf8.ValidString(s) && !strings.Contains(s, "\x00") && !strings.Contains(s, replacement) {
		return s
	}
	s = strings.ReplaceAll(strings.ToValidUTF8(s, replacement), "\x00", replacement)
	for strings.Contains(s, replacement+replacement) {
		s = strings.ReplaceAll(s, replacement+replacement, replacement)
	}
	return s
}

// document adds a row as JSON, in which the same is written in more than one way.
func (h *hasher) document(row any) error {
	doc, err := json.Marshal(row)
	if err != nil {
		return err
	}
	text := string(doc)
	if strings.Contains(text, `\u0000`) || strings.Contains(text, `\ufffd`) {
		text = strings.NewReplacer(`\u0000`, replacement, `\ufffd`, replacement).Replace(text)
	}
	h.text(text)
	return nil
}

func (h *hasher) version(v *Version, box *seal.Box) {
	plain := v.Plain(box)
	h.buf = append(h.buf, v.JobID[:]...)
	for _, n := range []int64{int64(v.Number), v.From, v.To, v.CreatedAt, v.ImportAt, v.ImportNonce} {
		h.number(n)
	}
	h.flag(v.Active)
	for _, s := range []string{
		v.Schedule, v.Timezone, v.API, v.Kind, v.Name, v.Namespace, string(v.Key), string(v.Tags),
		string(plain.Headers), string(v.Body), string(plain.Options),
	} {
		h.text(s)
	}
}

func (h *hasher) fact(e *domain.Execution) error {
	h.buf = append(h.buf, e.JobID[:]...)
	for _, n := range []int64{
		e.ScheduledAt, e.Nonce, int64(e.Version), e.StartedAt, e.CompletedAt, int64(e.HTTPStatus), int64(e.RetryCount),
	} {
		h.number(n)
	}
	h.text(string(e.Status))
	h.text(e.Error)
	if e.Missed != nil {
		h.number(e.Missed.From)
		h.number(e.Missed.Count)
	}
	if len(e.Attempts) > 0 {
		return h.document(e.Attempts)
	}
	return nil
}
