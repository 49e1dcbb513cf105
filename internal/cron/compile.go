package cron

import "strings"

// compiler fills a schedule from its text.
type compiler struct{ *Schedule }

// compileIn is compile for a zone that is known, without advice.
func compileIn(text string, z *zone, dst DST) (*Schedule, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	c := compiler{&Schedule{text: text, dst: dst, clock: wallClock{zone: z}}}
	if err := c.readText(); err != nil {
		return nil, err
	}
	return c.Schedule, nil
}

// readText distinguishes the three kinds of text.
func (c compiler) readText() error {
	trimmed := strings.Trim(c.text, " \t")
	if strings.HasPrefix(trimmed, "@") {
		return c.readNamed(trimmed, strings.Index(c.text, trimmed)+1)
	}
	return c.readFields(c.text)
}

// checkText refuses texts that are too long or not printable ASCII, so that the code
// after it can use bytes as columns.
func checkText(text string) error {
	if len(text) > MaxLength {
		return fail("schedule", MaxLength+1, "", "", "is longer than %d bytes", MaxLength).as(TooLong)
	}
	for i, r := range text {
		if r < ' ' && r != '\t' || r > '~' {
			return fail("schedule", i+1, string(r), "use ASCII letters, digits, blanks and * ? , - / # ( ) @",
				"holds a character that no schedule has")
		}
	}
	return nil
}

// readNamed handles everything that begins with @.
func (c compiler) readNamed(text string, col int) (err error) {
	name, rest := text, ""
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		name, rest = text[:i], strings.TrimLeft(text[i:], " \t")
	}
	restCol := col + len(text) - len(rest)
	switch lower := strings.ToLower(name); {
	case lower == "@every":
		c.kind = kindEvery
		c.period, err = parseEvery(rest, restCol)
	case lower == "@at":
		c.kind = kindAt
		c.at, err = parseAt(rest, restCol)
	case macros[lower] == "":
		err = unknownMacro(name, col)
	case rest != "":
		err = fail("schedule", restCol, rest, "use "+lower+" alone", "nothing may follow here")
	default:
		err = c.readFields(macros[lower])
	}
	return err
}

// readFields handles five to seven fields.
func (c compiler) readFields(text string) error {
	syn, err := parseFields(text)
	if err != nil {
		return err
	}
	for id, items := range syn {
		for _, it := range items {
			c.pattern.add(fieldID(id), it)
		}
	}
	f := &c.pattern.fields
	f.either = restricted(syn[fieldDOM]) && restricted(syn[fieldDOW])
	f.special = f.fromEnd|f.nearest|f.last != 0 || f.lastWeekday || f.nth != [5]uint8{}
	c.clock.interval = follows(syn[fieldMinute]) || follows(syn[fieldHour])
	c.clock.gap, c.clock.fold = c.dst.rules(c.clock.interval)
	f.finish()
	return c.checkFires(text, syn)
}

// checkFires refuses an expression that has no fire at all. H in a day field chooses only
// days that every month has. Therefore only H in the month field can make the difference
// between jobs (a day 31 with a hashed month), and each month that H may choose must have
// a fire.
func (c compiler) checkFires(text string, syn *syntax) error {
	for _, h := range c.pattern.hashed {
		if h.field != fieldMonth {
			continue
		}
		for pick := range h.choices() {
			f := c.pattern.resolve(0)
			f.month = c.pattern.fields.month | h.mask(pick)
			if t, ok := c.clock.next(&f, MinInstant-1); !ok || t > MaxInstant {
				return neverFires(text, syn, "H may choose a month that has no such day; use an H with fewer months")
			}
		}
	}
	f := c.pattern.resolve(0)
	if t, ok := c.clock.next(&f, MinInstant-1); !ok || t > MaxInstant {
		return neverFires(text, syn, "use a day that some month in the list has")
	}
	return nil
}

// neverFires returns an error at the day of the month if that field is restricted,
// because only a day can be missing in a month; otherwise at the whole text.
func neverFires(text string, syn *syntax, hint string) error {
	if restricted(syn[fieldDOM]) {
		words := splitWords(text)
		w := words[min(len(words)-3, int(fieldDOM))]
		return fail("day-of-month", w.col, w.text, hint, "can never fire between 1970 and 2199").as(NeverFires)
	}
	return fail("schedule", 1, text, hint, "can never fire between 1970 and 2199").as(NeverFires)
}
