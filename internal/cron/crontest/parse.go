package crontest

import (
	"fmt"
	"strings"
	"time"
)

// Job is what a Calendar is made from. Gap and Fold may be empty: the defaults.
type Job struct {
	Text, Zone, Gap, Fold string
	Seed                  uint64
	Anchor                int64          // Unix seconds
	Location              *time.Location // of the zone data that the schedules have; nil: that of Zone on this machine
}

var named = map[string]string{
	"@yearly": "0 0 0 1 1 *", "@annually": "0 0 0 1 1 *", "@monthly": "0 0 0 1 * *", "@weekly": "0 0 0 * * 0",
	"@daily": "0 0 0 * * *", "@midnight": "0 0 0 * * *", "@hourly": "0 0 * * * *",
}

// New reads a text of Belfry's notation. It accepts every valid text, but does not refuse
// every invalid one.
func New(j Job) (*Calendar, error) {
	loc, err := j.Location, error(nil)
	if loc == nil {
		loc, err = time.LoadLocation(j.Zone)
	}
	if err != nil {
		return nil, err
	}
	c := &Calendar{loc: loc, gap: j.Gap, fold: j.Fold, anchor: j.Anchor}
	if c.gap == "" {
		c.gap = "AFTER"
	}
	if c.fold == "" {
		c.fold = "FIRST"
	}
	parts := strings.Fields(strings.ToUpper(j.Text))
	if len(parts) == 1 && named[strings.ToLower(parts[0])] != "" {
		parts = strings.Fields(named[strings.ToLower(parts[0])])
	}
	switch {
	case len(parts) == 2 && parts[0] == "@EVERY":
		d, err := time.ParseDuration(strings.ToLower(parts[1]))
		c.period = int64(d.Seconds())
		return c, err
	case len(parts) == 2 && parts[0] == "@AT":
		t, err := time.Parse(time.RFC3339, parts[1])
		at := t.Unix()
		c.at = &at
		return c, err
	case len(parts) == 5:
		parts = append([]string{"0"}, parts...)
	}
	if len(parts) == 6 {
		parts = append(parts, "*")
	}
	if len(parts) != 7 {
		return nil, fmt.Errorf("crontest: %d fields", len(parts))
	}
	if err := c.fill(parts, j.Seed); err != nil {
		return nil, err
	}
	return c, nil
}

// fill takes the seven fields, in upper case.
func (c *Calendar) fill(parts []string, seed uint64) (err error) {
	c.fixed = !strings.ContainsAny(parts[1]+parts[2], "*/")
	c.either = !open(parts[3]) && !open(parts[5])
	plain := []struct {
		set      *map[int]bool
		field    int
		min, max int
	}{{&c.second, 0, 0, 59}, {&c.minute, 1, 0, 59}, {&c.hour, 2, 0, 23}, {&c.month, 4, 1, 12}, {&c.year, 6, 1970, 2199}}
	for _, p := range plain {
		*p.set = map[int]bool{}
		for it := range strings.SplitSeq(parts[p.field], ",") {
			if err = addValues(*p.set, it, p.field, p.min, p.max, seed); err != nil {
				return err
			}
		}
	}
	if parts[6] == "*" { // the date in the zone can lie in the year beside
		c.year[1969], c.year[2200] = true, true
	}
	for it := range strings.SplitSeq(parts[3], ",") {
		rule, err := dayRule(it, seed)
		if err != nil {
			return err
		}
		c.days = append(c.days, rule)
	}
	for it := range strings.SplitSeq(parts[5], ",") {
		rule, err := weekdayRule(it, seed)
		if err != nil {
			return err
		}
		c.weekdays = append(c.weekdays, rule)
	}
	return nil
}

// open reports whether a day field leaves every day in.
func open(field string) bool {
	for it := range strings.SplitSeq(field, ",") {
		if it == "*" || it == "?" || it == "*/1" {
			return true
		}
	}
	return false
}
