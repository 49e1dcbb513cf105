// Package cron reads schedule texts and computes, for any instant, the next fire after it
// and the last fire before it.
//
// # What it guarantees
//
// Each point names the tests that show it. "Oracle" is internal/cron/crontest: a second
// implementation, slow, which shares no code with this package and decides second by
// second whether an instant is a fire.
//
//  1. Next(t) > t, Next(t) is a fire, and there is no fire between the two. Prev is the
//     mirror image of Next: both use the same set of fires. (TestAgreesWithOracle,
//     TestChainsAcrossChanges, TestPrevNextRoundTrip, TestNextByHand, FuzzNext)
//  2. Next is strictly increasing in UTC, in every zone of the database, from 1970 to 2100,
//     across every clock change. (TestEveryZoneEveryTransition)
//  3. By default a fixed time fires exactly once on each date that matches: also when the
//     clock skips this time, and also when the clock repeats it.
//     (TestEveryZoneEveryTransition, TestDSTLaw)
//  4. Parse is a pure function of its arguments. It never panics. It takes well under a
//     millisecond; the first text of a zone takes up to 1.6 ms, because the table of the
//     zone's changes is computed once. It refuses every text that it does not completely
//     understand, and the error has the field, the column and what would be right. A text
//     that can never fire within 1970..2199 is refused. (TestParseErrors, TestNeverFires,
//     FuzzParse, BenchmarkParse)
//     A step past the end of its range is not refused: as in a crontab, only the first value
//     remains, and Warnings reports it. (TestSameMeaning, TestWarnings)
//     If a refused text or zone is valid in another scheduler, the error offers a
//     translation, provided that Parse accepts it and that it means the same; otherwise the
//     error explains the difference. (TestForeignHabits, TestForeignTexts,
//     TestHintsMeanTheSame, FuzzForeign, TestForeignH, TestZoneNames, TestForeignZones)
//  5. Next and Prev do not allocate, do not read the clock, and examine a bounded number of
//     months: the most expensive accepted expression takes less than 20 microseconds.
//     (TestNextDoesNotAllocate, BenchmarkNextMedian, BenchmarkNextWorst)
//  6. The values that H chooses never change: hash.go specifies the hash, and tests compare
//     it with golden values. (TestSeedGolden, TestHashGolden)
//  7. Equal (text, zone, dst) give the same *Schedule, which is immutable and safe for
//     concurrent use. A schedule that is no longer referenced is garbage-collected.
//     (TestParseInterns, TestInternedSchedulesAreCollected)
//
// # Instants
//
// An instant is a whole Unix second. The supported range is [MinInstant, MaxInstant], the
// years 1970 to 2199 in UTC. Fires outside this range do not exist for this package.
//
// # The DST law
//
// A reading is a date and a time of day that the wall clock shows; an expression matches
// readings. A zone maps readings to instants. In many zones this mapping has a gap and a
// fold each year:
//
//	Europe/Berlin, 2026-03-29: a gap                 Europe/Berlin, 2026-10-25: a fold
//
//	UTC   00:59:59  01:00:00                         UTC   00:00 ...... 01:00 ...... 02:00
//	local 01:59:59  03:00:00                         local 02:00 first  02:00 second 03:00
//	              ^ 02:00..02:59 do not exist              02:00..02:59 exist twice
//
// A schedule is interval-like if its minute field or its hour field contains a wildcard
// or a step ("*" or "/" anywhere in them). It follows real time: every instant whose
// reading matches is a fire. In a gap the missing readings do not fire; in a fold both
// occurrences fire. The choice in DST has no effect on it.
//
// Every other schedule has fixed times. Each matching reading is one fire:
//
//	Gap AFTER  (default)  a reading that the clock skips fires at the first instant after the gap (03:00:00 above)
//	Gap SKIP              it does not fire
//	Gap BEFORE            it fires at the last whole second before the gap (01:59:59 above)
//	Fold FIRST (default)  a reading that occurs twice fires at its first occurrence
//	Fold SECOND           at its second
//	Fold BOTH             at both
//
// A fire is an instant. Therefore several skipped readings (02:15 and 02:45, or the range
// 0-59) become one fire; if the instant to which they move is itself a matching reading,
// it is the same fire. The same is true for a skipped date: Pacific/Apia had no
// 2011-12-30, and what was due on that day fires at 2011-12-31 00:00:00. The second field
// has no influence on whether a schedule is interval-like: "* 30 2 * * *" has sixty fixed
// times.
//
// # Where zone data comes from
//
// Names and rules come from the embedded copy of the IANA database (zoneinfo.zip), or
// from the one zip file or folder that was passed to [UseZones]. They never come from
// $ZONEINFO or from the files of the system, which differ between machines. A name is
// known only if it is in these data, character by character: Europe//Berlin,
// europe/berlin, posix/UTC and Local are unknown, even where the file system would find
// them (TestOnlyNamesOfTheData). TestEmbeddedZones compares the copy with the
// toolchain's, and the check "zones" of arch_test.go forbids time.LoadLocation.
// [ZoneData.Release] returns the release in use.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	instant.go error.go calendar.go spec.go dst.go macro.go value.go
//	fields.go wall.go hash.go pattern.go every.go
//	zonename.go zonetable.go zonedata.go intern.go zone.go rules.go
//	wallclock.go schedule.go class.go
//	phrase.go parse.go compile.go means.go
//	describetime.go describeday.go describe.go shifts.go warnzone.go warn.go
//	zoneabbr.go zonewindows.go zonelike.go zoneadvice.go hints.go
//	cron.go
package cron
