package postgres

import (
	"encoding/binary"
	"errors"

	"github.com/jackc/pgx/v5/pgtype"
)

// array is an array as a parameter: its elements in the form in which PostgreSQL reads them. A slice is encoded by pgx
// element by element through interfaces, which takes 0.5 us and an allocation for each fact of a commit.
type array struct {
	element  uint32 // OID of their type
	elements uint32
	nulls    uint32 // 1: some are NULL
	body     []byte
}

// arrayOf makes an array of elements of a type, with room for so many of so many bytes each.
func arrayOf(element uint32, room, size int) array {
	return array{element: element, body: make([]byte, 0, room*(4+size))}
}

func (a *array) begin(size uint32) {
	a.elements++
	a.body = binary.BigEndian.AppendUint32(a.body, size)
}

// noSize in place of its size says that an element is NULL.
const noSize = ^uint32(0)

func (a *array) null() {
	a.nulls = 1
	a.begin(noSize)
}

func (a *array) int64(n int64) {
	a.begin(8)
	a.body = binary.BigEndian.AppendUint64(a.body, uint64(n)) //nolint:gosec // its bits
}

func (a *array) int32(n int32) {
	a.begin(4)
	a.body = binary.BigEndian.AppendUint32(a.body, uint32(n)) //nolint:gosec // its bits
}

func (a *array) int16(n int16) {
	a.begin(2)
	a.body = binary.BigEndian.AppendUint16(a.body, uint16(n)) //nolint:gosec // its bits
}

func (a *array) uuid(id [16]byte) {
	a.begin(16)
	a.body = append(a.body, id[:]...)
}

// text adds a text of UTF-8 without zero bytes.
func (a *array) text(s string) {
	a.begin(uint32(len(s))) //nolint:gosec // it is below the limit of a body
	a.body = append(a.body, s...)
}

// appendTo appends the array: dimensions, whether there are NULLs, the type, and for the one dimension how many
// elements there are and the number of the first one.
func (a *array) appendTo(b []byte) []byte {
	for _, n := range []uint32{1, a.nulls, a.element, a.elements, 1} {
		b = binary.BigEndian.AppendUint32(b, n)
	}
	return append(b, a.body...)
}

// arrayTypes are the arrays that an array can be, with their elements.
var arrayTypes = map[uint32]uint32{
	pgtype.Int8ArrayOID: pgtype.Int8OID, pgtype.Int4ArrayOID: pgtype.Int4OID, pgtype.Int2ArrayOID: pgtype.Int2OID,
	pgtype.UUIDArrayOID: pgtype.UUIDOID, pgtype.TextArrayOID: pgtype.TextOID,
}

// takeArrays lets statements of a connection have an array in place of a slice.
func takeArrays(m *pgtype.Map) {
	for oid, element := range arrayTypes {
		if t, known := m.TypeForOID(oid); known {
			m.RegisterType(&pgtype.Type{Name: t.Name, OID: oid, Codec: arrayCodec{t.Codec, element}})
		}
	}
}

// arrayCodec is that of pgx, beside which it takes an array.
type arrayCodec struct {
	pgtype.Codec
	element uint32
}

// PlanEncode implements pgtype.Codec.
func (c arrayCodec) PlanEncode(m *pgtype.Map, oid uint32, format int16, value any) pgtype.EncodePlan {
	if _, is := value.(*array); is {
		return encodeArray{format, c.element}
	}
	return c.Codec.PlanEncode(m, oid, format, value)
}

type encodeArray struct {
	format  int16
	element uint32
}

// errOtherArray says that an array is not what the statement wants.
var errOtherArray = errors.New("the array has elements of another type, or is wanted as a text")

// Encode implements pgtype.EncodePlan.
func (e encodeArray) Encode(value any, buf []byte) ([]byte, error) {
	a := value.(*array) //nolint:forcetypeassert // PlanEncode has seen its type
	if e.format != pgtype.BinaryFormatCode || e.element != a.element {
		return nil, errOtherArray
	}
	return a.appendTo(buf), nil
}
