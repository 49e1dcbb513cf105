package client

// Instant is one fire, in three formats.
type Instant struct {
	At    int64  `json:"at"`
	UTC   string `json:"utc"`   // RFC 3339
	Local string `json:"local"` // RFC 3339, in the schedule's zone

	// ClockChange: the offset of the zone is another one than at the instant before: gap (the clock has
	// gone forward) or fold. Empty: it is the same.
	ClockChange string `json:"clockChange,omitempty"`
}

// Shift is a clock change that affects a schedule.
type Shift struct {
	At     int64  `json:"at"`
	Date   string `json:"date"`
	Kind   string `json:"kind"` // gap or fold
	Effect string `json:"effect"`
}
