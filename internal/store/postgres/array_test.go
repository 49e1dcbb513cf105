package postgres

import (
	"math"
	"reflect"
	"testing"

	"github.com/jackc/pgx/v5/pgtype"
)

// An array is read as the slice that it stands for, and encoded alike where there are no NULLs.
func TestArraysAreThoseOfSlices(t *testing.T) {
	t.Parallel()
	m, plain := pgtype.NewMap(), pgtype.NewMap()
	takeArrays(m)
	big, id := []int64{math.MinInt64, -1, 0, 1, math.MaxInt64}, [16]byte{1, 15: 255}
	a := arrayOf(pgtype.Int8OID, len(big), 8)
	for _, n := range big {
		a.int64(n)
	}
	ids := arrayOf(pgtype.UUIDOID, 0, 16)
	ids.uuid(id)
	ids.uuid([16]byte{})
	small, none := arrayOf(pgtype.Int2OID, 1, 2), arrayOf(pgtype.Int4OID, 0, 4)
	small.int16(math.MinInt16)
	numbers, texts := arrayOf(pgtype.Int4OID, 0, 4), arrayOf(pgtype.TextOID, 0, 0)
	numbers.int32(math.MinInt32)
	numbers.null()
	numbers.int32(math.MaxInt32)
	texts.text("größe")
	texts.null()
	texts.text("")
	least, most, text, empty := int32(math.MinInt32), int32(math.MaxInt32), "größe", ""
	for oid, c := range map[uint32]struct {
		array *array
		slice any
	}{
		pgtype.Int8ArrayOID: {&a, big},
		pgtype.UUIDArrayOID: {&ids, [][16]byte{id, {}}},
		pgtype.Int2ArrayOID: {&small, []int16{math.MinInt16}},
		pgtype.Int4ArrayOID: {&numbers, []*int32{&least, nil, &most}},
		pgtype.TextArrayOID: {&texts, []*string{&text, nil, &empty}},
	} {
		want, err := plain.Encode(oid, pgtype.BinaryFormatCode, c.slice, nil)
		if err != nil {
			t.Fatal(err)
		}
		for name, value := range map[string]any{"array": c.array, "slice": c.slice} {
			got, err := m.Encode(oid, pgtype.BinaryFormatCode, value, nil)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("%s of type %d: % x, want % x, error %v", name, oid, got, want, err)
			}
		}
		if _, err := m.Encode(oid, pgtype.TextFormatCode, c.array, nil); err == nil {
			t.Errorf("an array of type %d is encoded as a text", oid)
		}
	}
	if _, err := m.Encode(pgtype.Int4ArrayOID, pgtype.BinaryFormatCode, &a, nil); err == nil {
		t.Error("an array is taken for one of another type")
	}
	want, err := plain.Encode(pgtype.Int4ArrayOID, pgtype.BinaryFormatCode, []int32{}, nil)
	if got := none.appendTo(nil); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("no elements: % x, want % x", got, want)
	}
}
