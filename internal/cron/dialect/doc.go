// Package dialect reads the schedule texts of other schedulers.
//
// # What it guarantees
//
// [Read] recognises a text of EventBridge, Quartz, Jenkins, Kubernetes, systemd, a crontab
// line with its command, ISO 8601 or plain English, and gives a [Reading]: a text for
// Belfry (Offer), what the foreign text means where it comes from (Rule), or why nothing is
// offered (Why). It is for texts that Belfry refuses: some are legal in both notations.
//
// An Offer is not to be shown before it was compiled and compared with the Rule. Both come
// from the foreign text, the Offer by rewriting its words, the Rule by evaluating them:
// where one of the two is wrong, the comparison fails and nothing is offered. What both
// have wrong is found by tests that know the foreign notation without this package: a table
// of texts with their fires, written by hand (TestForeignTexts of package cron), and
// generated texts with their meaning (TestHintsMeanTheSame). Package cron compares, in
// (*Schedule).offer and (*Schedule).means: the sets of seconds, minutes, hours, months and
// years must be equal, and so must the days of every month that can occur, of each length
// and first weekday. Equal sets are equal schedules at every reading of the clock. What a
// clock change does to a reading is not compared: it is each scheduler's own, and
// docs/schedules.md has it.
//
// Read is a pure function and never panics (FuzzForeign of package cron). Its work is
// bounded: a text is at most [MaxText] long, each reader goes through it a fixed number of
// times, and what is in quotes, behind a zone or in lines is read again at most four levels
// deep (TestWorkIsBounded of package cron).
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
