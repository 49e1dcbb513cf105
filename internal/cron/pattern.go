package cron

// pattern is what the fields of a text say: the readings of a clock at which it fires.
type pattern struct {
	fields fields
	hashed []hashed // H items, added to fields for each job
}

// add puts one item into the sets.
func (p *pattern) add(id fieldID, it item) {
	f := &p.fields
	switch it.form {
	case formHash:
		p.hashed = append(p.hashed, hashed{id, uint8(it.lo), uint8(it.hi), uint8(it.step)})
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
		p.addRange(id, it)
	}
}

// addRange puts the values of a range into their set; one that ends before it begins goes round.
func (p *pattern) addRange(id fieldID, it item) {
	if id == fieldYear && it.form == formStar && it.step <= 1 {
		p.fields.years = everyYear // with the readings just outside the range, see firstYear
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
			p.fields.years.add(value)
		} else {
			*p.fields.set(id) |= 1 << value
		}
	}
}

// resolve gives the fields of one job: the shared ones plus what H means for its seed.
func (p *pattern) resolve(seed uint64) fields {
	f := p.fields
	for _, h := range p.hashed {
		*f.set(h.field) |= h.mask(h.pick(seed))
	}
	f.finish()
	return f
}
