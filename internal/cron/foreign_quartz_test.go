package cron

// foreignQuartz follows Quartz' "CronTrigger Tutorial" and the documentation of its class CronExpression: L alone in
// day-of-week is 7, Saturday; the year is optional. What is legal in both notations is not refused, and warned of
// (TestWarnings). The rows with a year in the sixth field are five fields of a crontab with a year, as some schedulers
// have them: there Sunday is 0 or 7.
var foreignQuartz = []foreign{
	{text: "0 0 12 ? * L", offer: "0 0 12 ? * SAT", fires: "01-03 12:00, 01-10 12:00",
		says: "L alone is Saturday there"},
	{text: "0 0 12 ? * l", offer: "0 0 12 ? * SAT", fires: "01-03 12:00, 01-10 12:00"},
	{text: "0 0 12 ? * L 2026-2028", offer: "0 0 12 ? * SAT 2026-2028", fires: "01-03 12:00, 01-10 12:00"},
	{text: "30 0/20 6 ? JUN L", offer: "30 0/20 6 ? JUN SAT",
		fires: "06-06 06:00:30, 06-06 06:20:30, 06-06 06:40:30, 06-13 06:00:30"},
	{text: "0 15 10 ? * 2,L", offer: "0 15 10 ? * MON,SAT", fires: "01-03 10:15, 01-05 10:15, 01-10 10:15"},
	{text: `"0 15 10 ? * FRIL"`, offer: "0 15 10 ? * FRIL", fires: "01-30 10:15, 02-27 10:15"},
	{text: `'0 0 12 1/5 * ?'`, offer: "0 0 12 1/5 * ?", fires: "01-01 12:00, 01-06 12:00, 01-11 12:00"},
	{text: "0 0 12 L-3W * ?", says: "the weekday nearest to a day counted from the end of the month has no form here"},
	{text: "0 0 12 l-3w * ?", says: "the weekday nearest to a day counted from the end of the month has no form here"},
	{text: "0 0 12 1C * ?", says: "C asks for a calendar of Quartz"},
	{text: "0 0 12 ? * 2C", says: "C asks for a calendar of Quartz"},
	// Spring's own
	{text: `@Scheduled(cron = "0 0 9-17 * * MON-FRI")`, offer: "0 0 9-17 * * MON-FRI",
		fires: "01-01 09:00, 01-01 10:00"},
	{text: `@Scheduled(fixedRateString = "PT5M")`, offer: "@every 5m", fires: "01-01 00:05, 01-01 00:10"},
	{text: `@Scheduled(fixedDelayString = "PT5M")`}, // from end to start
	{text: "0 0 12 ? * FRI-L"},
	{text: "0 0 12 ? * 2#6"},
	{text: "0 0 12 W * ?"},
	{text: "0 0 12 1-15W * ?"},
	{text: "0 0 12 L-31 * ?"},
	{text: "0 0 12 ? * 8"},

	{text: "0 0 12 * * 2026", offer: "0 0 0 12 * * 2026", fires: "01-12 00:00, 02-12 00:00",
		says: "a year comes seventh"},
	{text: "30 9 * * 1-5 2026-2027", offer: "0 30 9 * * 1-5 2026-2027", fires: "01-01 09:30, 01-02 09:30, 01-05 09:30"},
	{text: "0 0 1 1 * 2030", offer: "0 0 0 1 1 * 2030", fires: "2030-01-01 00:00"},
	{text: "0 0 13 * FRI 2026", offer: "0 0 0 13 * FRI 2026",
		fires: "01-02 00:00, 01-09 00:00, 01-13 00:00, 01-16 00:00"},
}
