// Package crontest is a slow calendar to hold internal/cron, and whatever builds on it, to account.
//
// It shares no code with the engine and is written the other way round. The engine turns
// readings of the wall clock into instants; this package takes an instant, reads the clock
// in the zone with package time, and decides whether the instant is a fire. Next and Prev
// then walk: second by second, with leaps over a minute, an hour or a day that does not
// match and in which the offset does not change. It is meant to be obviously right, not
// fast, and for tests only.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	values.go days.go calendar.go parse.go mix.go
package crontest
