// Package crontest is a second, slow implementation of schedules. Tests compare
// internal/cron, and what is built on it, with this package.
//
// It shares no code with package cron and works the other way round. Package cron
// computes instants from readings of the wall clock. This package takes an instant,
// converts it to a reading of its zone with package time, and decides whether the instant
// is a fire. Next and Prev go second by second; they skip a minute, an hour or a day only
// if it does not match and the offset does not change in it. The code is meant to be
// obviously right, not fast, and is for tests only.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	values.go days.go calendar.go parse.go mix.go
package crontest
