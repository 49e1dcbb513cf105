package cron

import "strings"

// maxZoneName is well above the longest name of the database (America/Argentina/ComodRivadavia, 32 bytes).
const maxZoneName = 64

const zoneExample = "use an IANA name such as Europe/Berlin, America/New_York or UTC"

// checkZoneName refuses names that a folder of zones may contain but that are not
// accepted: names whose meaning differs between machines (Local, localtime), zones with
// leap seconds (right/...), and paths.
func checkZoneName(name string) error {
	if len(name) > maxZoneName {
		return fail("timezone", maxZoneName+1, name, zoneExample, "is longer than %d bytes", maxZoneName).as(TooLong)
	}
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && !isDigit(c) && strings.IndexByte("/_+-", c) < 0 {
			return fail("timezone", i+1, name, zoneExample, "holds a character that no zone name has")
		}
	}
	if !zoneName(name) {
		return fail("timezone", 1, name, zoneExample, "is not a zone name")
	}
	return nil
}

// zoneName reports whether a text has the form of a zone's name.
func zoneName(name string) bool {
	for i := range len(name) {
		if c := name[i]; !isLetter(c) && !isDigit(c) && strings.IndexByte("/_+-", c) < 0 {
			return false
		}
	}
	return name != "" && len(name) <= maxZoneName && name[0] >= 'A' && name[0] <= 'Z' && name != "Local" &&
		name != "Factory"
}

func isLetter(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' }
func isDigit(c byte) bool  { return c >= '0' && c <= '9' }
