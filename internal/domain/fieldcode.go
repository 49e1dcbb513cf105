package domain

// FieldCode says what is wrong with a field, for programs. A code keeps its meaning: new
// ones may be added, and the sentence beside it may change.
type FieldCode string

// The codes of a [FieldError].
const (
	FieldInvalid       FieldCode = "invalid"
	FieldRequired      FieldCode = "required"
	FieldUnknown       FieldCode = "unknown"
	FieldDuplicate     FieldCode = "duplicate"
	FieldType          FieldCode = "wrong-type"
	FieldFormat        FieldCode = "wrong-format"
	FieldRange         FieldCode = "out-of-range"
	FieldLength        FieldCode = "too-long"
	FieldChoice        FieldCode = "not-a-choice"
	FieldNotFound      FieldCode = "not-found"
	FieldContradiction FieldCode = "contradiction"
	FieldReserved      FieldCode = "reserved"
	FieldReadOnly      FieldCode = "read-only"
	FieldStale         FieldCode = "stale"
	FieldMasked        FieldCode = "masked"
	FieldNeverFires    FieldCode = "never-fires"
	FieldUnsupported   FieldCode = "unsupported"
)

// FieldCodeMeaning is a code and what it means.
type FieldCodeMeaning struct {
	Code    FieldCode
	Meaning string
}

// FieldCodes has every code, in the order of the documentation.
var FieldCodes = []FieldCodeMeaning{
	{FieldRequired, "The field is missing or empty."},
	{FieldUnknown, "There is no such field or parameter here."},
	{FieldDuplicate, "The field, or one of its values, is there twice."},
	{FieldType, "The value has another JSON type, or is a fraction instead of an integer."},
	{FieldFormat, "The text cannot be read as what the field holds: a schedule, a URL, an instant, an id, a name."},
	{FieldRange, "The number or the instant is below the least or above the greatest that is permitted."},
	{FieldLength, "The text, the list or the object is too long."},
	{FieldChoice, "The value is none of the words that the field permits."},
	{FieldNotFound, "The value names something that does not exist, such as a time zone or a client certificate."},
	{FieldContradiction, "The value is not permitted together with that of another field."},
	{FieldReserved, "The header is set by Belfry or belongs to the connection."},
	{FieldReadOnly, "The field cannot be changed."},
	{FieldStale, "The version named is not the current one."},
	{FieldMasked, "A secret has to be sent itself: a mask stands for none that is stored, or would reveal one."},
	{FieldNeverFires, "The schedule has no instant left at which the job would fire."},
	{FieldUnsupported, "The header or its value is not supported here."},
	{FieldInvalid, "None of the others: the sentence says what is wrong."},
}
