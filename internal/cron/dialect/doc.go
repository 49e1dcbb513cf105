// Package dialect reads the schedule texts of other schedulers.
//
// # What it guarantees
//
// [Read] recognises a text of EventBridge, Quartz, Jenkins, Kubernetes or systemd, a
// crontab line with its command, ISO 8601, or plain English. It returns a [Reading]: an
// equivalent text for Belfry (Offer), what the foreign text means in its own scheduler
// (Rule), or why there is no equivalent (Why). Read is only for texts that Belfry
// refuses, because some texts are legal in both notations and mean different things.
//
// An Offer must not be shown before it has been compiled and compared with the Rule. Both
// are derived from the foreign text: the Offer by rewriting its words, the Rule by
// evaluating them. If one of the two is wrong, they differ, and nothing is offered. If
// both are wrong in the same way, only tests that do not use this package can find the
// mistake: there is a table of texts with their fires, written by hand (TestForeignTexts
// of package cron), and there are generated texts with their meaning
// (TestHintsMeanTheSame).
//
// Package cron compares the two in (*Schedule).offer and (*Schedule).means. The sets of
// seconds, minutes, hours, months and years must be equal, and so must the days of every
// month that can occur, for each length and first weekday. Schedules with equal sets
// match the same readings of the clock. The comparison does not cover what happens to a
// reading at a clock change: each scheduler has its own rules, which docs/schedules.md
// describes.
//
// Read is a pure function and never panics (FuzzForeign of package cron). Its work is
// bounded: a text has at most [MaxText] bytes, each reader scans it a fixed number of
// times, and texts inside of it (in quotes, after a zone, in lines) are read at most four
// levels deep (TestWorkIsBounded of package cron).
//
// # Order of the files
//
// Each file uses only those before it:
//
//	reading.go style.go special.go cronlike.go period.go instant.go translate.go
//	native.go around.go zoned.go lines.go pasted.go
//	crontab.go quartz.go eventbridge.go english.go macro.go systemdtext.go systemd.go unlike.go
//	read.go
package dialect
