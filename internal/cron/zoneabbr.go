package cron

import "strings"

// abbreviations are ambiguous: each stands for several zones, or for one half of the year
// of a zone. Those that are names in the database are not listed (EST, MST, HST, CET,
// MET, EET, WET).
var abbreviations = map[string]string{
	"PST":  "America/Los_Angeles follows Pacific time through the year, Asia/Manila is Philippine time",
	"PDT":  "America/Los_Angeles follows Pacific time through the year",
	"MDT":  "America/Denver follows Mountain time through the year",
	"CST":  "America/Chicago follows Central time through the year, Asia/Shanghai is China, America/Havana is Cuba",
	"CDT":  "America/Chicago follows Central time through the year, America/Havana is Cuba",
	"EDT":  "America/New_York follows Eastern time through the year",
	"AST":  "America/Halifax is Atlantic time, Asia/Riyadh is Arabia",
	"ADT":  "America/Halifax is Atlantic time",
	"AKST": "America/Anchorage is Alaska",
	"AKDT": "America/Anchorage is Alaska",
	"NST":  "America/St_Johns is Newfoundland",
	"BST":  "Europe/London is Britain, Asia/Dhaka is Bangladesh",
	"IST":  "Asia/Kolkata is India, Asia/Jerusalem is Israel, Europe/Dublin is Ireland",
	"CEST": "Europe/Berlin, Europe/Paris and others follow Central European time through the year",
	"MEZ":  "Europe/Berlin follows it through the year",
	"MESZ": "Europe/Berlin follows it through the year",
	"EEST": "Europe/Athens, Europe/Helsinki and others follow Eastern European time through the year",
	"WEST": "Europe/Lisbon follows Western European time through the year",
	"MSK":  "Europe/Moscow is Moscow",
	"TRT":  "Europe/Istanbul is Turkey",
	"GST":  "Asia/Dubai is the Gulf, Atlantic/South_Georgia is South Georgia",
	"PKT":  "Asia/Karachi is Pakistan",
	"JST":  "Asia/Tokyo is Japan",
	"KST":  "Asia/Seoul is Korea",
	"HKT":  "Asia/Hong_Kong is Hong Kong",
	"SGT":  "Asia/Singapore is Singapore",
	"WIB":  "Asia/Jakarta is western Indonesia",
	"AEST": "Australia/Sydney changes its clocks, Australia/Brisbane does not",
	"AEDT": "Australia/Sydney follows it through the year",
	"ACST": "Australia/Adelaide changes its clocks, Australia/Darwin does not",
	"AWST": "Australia/Perth is western Australia",
	"NZST": "Pacific/Auckland is New Zealand",
	"NZDT": "Pacific/Auckland is New Zealand",
	"BRT":  "America/Sao_Paulo is Brazil",
	"SAST": "Africa/Johannesburg is South Africa",
	"WAT":  "Africa/Lagos is West Africa",
	"CAT":  "Africa/Maputo is Central Africa",
	"EAT":  "Africa/Nairobi is East Africa",
}

// abbreviation returns a hint with the zones that an abbreviation may mean, or "".
func abbreviation(name string) string {
	name = strings.ToUpper(name)
	if zones := abbreviations[name]; zones != "" {
		return name + " is an abbreviation, not a zone: " + zones
	}
	return ""
}
