package cron

import "strings"

// compile reads the text and builds the schedule. The arguments are normal: zone not empty, dst filled in. What it
// refuses comes with advice.
func compile(text, zoneName string, dst DST) (*Schedule, error) {
	z, err := loadZone(zoneName)
	if err != nil {
		return nil, adviseZone(err, zoneName)
	}
	// The text may be a part of a large request: keep a copy of it, not the request.
	s, err := compileIn(strings.Clone(text), z, dst)
	if err != nil {
		refused := &Schedule{text: text, zone: z, dst: dst}
		return nil, refused.advise(err)
	}
	return s, nil
}

// compileIn is compile for a zone that is known, without advice.
func compileIn(text string, z *zone, dst DST) (*Schedule, error) {
	if err := checkText(text); err != nil {
		return nil, err
	}
	s := &Schedule{text: text, zone: z, dst: dst}
	if err := s.compileText(); err != nil {
		return nil, err
	}
	return s, nil
}

// compileText tells the three kinds of text apart.
func (s *Schedule) compileText() error {
	trimmed := strings.Trim(s.text, " \t")
	if strings.HasPrefix(trimmed, "@") {
		return s.compileNamed(trimmed, strings.Index(s.text, trimmed)+1)
	}
	return s.compileFields(s.text)
}

// checkText refuses what is too long or not printable ASCII, so that bytes are columns from here on.
func checkText(text string) error {
	if len(text) > MaxLength {
		return fail("schedule", MaxLength+1, "", "", "is longer than %d bytes", MaxLength)
	}
	for i, r := range text {
		if r < ' ' && r != '\t' || r > '~' {
			return fail("schedule", i+1, string(r), "use ASCII letters, digits, blanks and * ? , - / # ( ) @",
				"holds a character that no schedule has")
		}
	}
	return nil
}

// compileNamed handles everything that begins with @.
func (s *Schedule) compileNamed(text string, col int) (err error) {
	name, rest := text, ""
	if i := strings.IndexAny(text, " \t"); i >= 0 {
		name, rest = text[:i], strings.TrimLeft(text[i:], " \t")
	}
	restCol := col + len(text) - len(rest)
	switch lower := strings.ToLower(name); {
	case lower == "@every":
		s.kind = kindEvery
		s.period, err = parseEvery(rest, restCol)
	case lower == "@at":
		s.kind = kindAt
		s.at, err = parseAt(rest, restCol)
	case macros[lower] == "":
		err = unknownMacro(name, col)
	case rest != "":
		err = fail("schedule", restCol, rest, "use "+lower+" alone", "nothing may follow here")
	default:
		err = s.compileFields(macros[lower])
	}
	return err
}

// compileFields handles five to seven fields.
func (s *Schedule) compileFields(text string) error {
	syn, err := parseFields(text)
	if err != nil {
		return err
	}
	for id, items := range syn {
		for _, it := range items {
			s.add(fieldID(id), it)
		}
	}
	f := &s.fields
	f.either = restricted(syn[fieldDOM]) && restricted(syn[fieldDOW])
	f.special = f.fromEnd|f.nearest|f.last != 0 || f.lastWeekday || f.nth != [5]uint8{}
	s.interval = follows(syn[fieldMinute]) || follows(syn[fieldHour])
	s.gap, s.fold = s.dst.rules(s.interval)
	f.finish()
	return s.checkFires(text, syn)
}

// add puts one item into the sets.
func (s *Schedule) add(id fieldID, it item) {
	f := &s.fields
	switch it.form {
	case formHash:
		s.hashed = append(s.hashed, hashed{id, uint8(it.lo), uint8(it.hi), uint8(it.step)})
	case formFromEnd:
		f.fromEnd |= 1 << it.lo
	case formLastWeekday:
		f.lastWeekday = true
	case formNearest:
		f.nearest |= 1 << it.lo
	case formNth:
		f.nth[it.hi-1] |= 1 << it.lo
	case formLast:
		f.last |= 1 << it.lo
	default:
		s.addRange(id, it)
	}
}

// addRange puts the values of a range into their set; one that ends before it begins goes round.
func (s *Schedule) addRange(id fieldID, it item) {
	if id == fieldYear && it.form == formStar && it.step <= 1 {
		s.fields.years = everyYear // with the readings just outside the range, see firstYear
		return
	}
	sp := &specs[id]
	hi := it.hi
	if hi < it.lo {
		hi += sp.size()
	}
	for v := it.lo; v <= hi; v += max(it.step, 1) {
		value := sp.min + (v-sp.min)%sp.size()
		if id == fieldYear {
			s.fields.years.add(value)
		} else {
			*s.fields.set(id) |= 1 << value
		}
	}
}

// checkFires refuses an expression without a single fire. H in a day field chooses only days that every month has. So
// whether a hashed expression fires can differ between jobs only by the month (31 H), and each month that H may choose
// must have a fire.
func (s *Schedule) checkFires(text string, syn *syntax) error {
	for _, h := range s.hashed {
		if h.field != fieldMonth {
			continue
		}
		for pick := range h.choices() {
			f := s.resolve(0)
			f.month = s.fields.month | h.mask(pick)
			if t, ok := s.searchNext(&f, MinInstant-1); !ok || t > MaxInstant {
				return neverFires(text, syn, "H may choose a month that has no such day; use an H with fewer months")
			}
		}
	}
	f := s.resolve(0)
	if t, ok := s.searchNext(&f, MinInstant-1); !ok || t > MaxInstant {
		return neverFires(text, syn, "use a day that some month in the list has")
	}
	return nil
}

// neverFires points at the day of the month when that is restricted, since it is what months can lack.
func neverFires(text string, syn *syntax, hint string) error {
	if restricted(syn[fieldDOM]) {
		words := splitWords(text)
		w := words[min(len(words)-3, int(fieldDOM))]
		return fail("day-of-month", w.col, w.text, hint, "can never fire between 1970 and 2199")
	}
	return fail("schedule", 1, text, hint, "can never fire between 1970 and 2199")
}
