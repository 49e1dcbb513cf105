package app

import "time"

// AuditEvery shortens the wait between two rounds of the auditor; before Run.
func AuditEvery(a *App, every time.Duration) { a.auditor.Every = every }
