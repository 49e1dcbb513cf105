package cron

import (
	"errors"
	"strings"
	"weak"
)

// Parse compiles a schedule text for a zone (an IANA name; "" is UTC) and a choice for clock changes. Equal arguments
// give the same *Schedule. The error is always an [*Error].
func Parse(text, zone string, dst DST) (*Schedule, error) {
	if zone == "" {
		zone = "UTC"
	}
	asked := dst
	dst, err := dst.normal()
	if err != nil {
		return nil, wholly(err, text, zone, asked)
	}
	k := key{text, zone, dst}
	if p, ok := interned.Load(k); ok {
		if s := p.(weak.Pointer[Schedule]).Value(); s != nil {
			return s, nil
		}
	}
	s, err := compile(text, zone, dst)
	if err != nil {
		return nil, wholly(err, text, zone, dst)
	}
	return intern(key{s.text, s.clock.zone.name, dst}, s), nil // with the schedule's own strings
}

// wholly says of an error whether all of a text is wrong.
func wholly(err error, text, zone string, dst DST) error {
	if e, ok := errors.AsType[*Error](err); ok {
		return e.of(text, zone, dst)
	}
	return err
}

// compile reads the text and builds the schedule. The arguments are normalized: zone is
// not empty, dst is filled in. An error comes with advice.
func compile(text, zoneName string, dst DST) (*Schedule, error) {
	z, err := loadZone(zoneName)
	if err != nil {
		return nil, adviseZone(err, zoneName)
	}
	// The text may be a part of a large request: keep a copy of it, not the request.
	s, err := compileIn(strings.Clone(text), z, dst)
	if err != nil {
		a := refused{text, z, dst}
		return nil, a.advise(err)
	}
	return s, nil
}
