package cron

// macros are the named schedules; each stands for the fields beside it.
var macros = map[string]string{
	"@yearly":   "0 0 0 1 1 *",
	"@annually": "0 0 0 1 1 *",
	"@monthly":  "0 0 0 1 * *",
	"@weekly":   "0 0 0 * * 0",
	"@daily":    "0 0 0 * * *",
	"@midnight": "0 0 0 * * *",
	"@hourly":   "0 0 * * * *",
}

// unknownMacro returns the error for an unknown word with "@".
func unknownMacro(name string, col int) error {
	const hint = "use @yearly, @monthly, @weekly, @daily, @hourly, @every 5m or @at 2026-01-02T15:04:05Z"
	return fail("schedule", col, name, hint, "is not a named schedule")
}
