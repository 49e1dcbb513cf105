// Package cron reads schedule texts and answers, for any instant, which fire comes next and which came before.
//
// # What it guarantees
//
// Each line names the test that shows it; "oracle" is internal/cron/crontest, a slow second implementation that shares
// no code with this package and decides second by second whether an instant is a fire.
//
//  1. Next(t) > t, Next(t) is a fire, and no fire lies between. Prev is its mirror: fires are one set, read from both
//     ends. (TestAgreesWithOracle, TestChainsAcrossChanges, TestPrevNextRoundTrip, TestNextByHand, FuzzNext)
//  2. Next is strictly increasing in UTC in every zone of the database, 1970 to 2100, across every clock change.
//     (TestEveryZoneEveryTransition)
//  3. By default a fixed time fires exactly once on each date that asks for it: not zero times when the clock skips it,
//     not twice when the clock repeats it. (TestEveryZoneEveryTransition, TestDSTLaw)
//  4. Parse is a pure function of its arguments. It never panics, takes well under a millisecond (the first text of
//     a zone also makes the table of its changes, once: up to 1.6 ms), and refuses whatever
//     it does not fully understand, with the field, the column and what would be right. A text that can never fire
//     within 1970..2199 is refused. (TestParseErrors, TestNeverFires, FuzzParse, BenchmarkParse)
//     A step past the end of its range is not such a mistake: it leaves the first value, as in a crontab, and
//     Warnings says so. (TestSameMeaning, TestWarnings)
//     Where a refused text, or zone, is that of another scheduler, the error offers a translation if there is one that
//     Parse accepts and that means the same, and otherwise explains. (TestForeignHabits, TestForeignTexts,
//     TestHintsMeanTheSame,
//     FuzzForeign, TestForeignH, TestZoneNames, TestForeignZones)
//  5. Next and Prev do not allocate, do not read the clock, and touch a bounded number of months: the worst accepted
//     expression stays under 20 microseconds. (TestNextDoesNotAllocate, BenchmarkNextMedian, BenchmarkNextWorst)
//  6. H never changes: its hash is written down in hash.go and pinned. (TestSeedGolden, TestHashGolden)
//  7. Equal (text, zone, dst) give the same *Schedule, immutable and safe for concurrent use; one that nobody holds any
//     more is collected. (TestParseInterns, TestInternedSchedulesAreCollected)
//
// # Instants
//
// An instant is a whole Unix second. The supported range is [MinInstant, MaxInstant], the years 1970 to 2199 in UTC;
// fires outside it do not exist for this package.
//
// # The DST law
//
// An expression describes readings of a wall clock. A zone maps readings to instants, and
// twice a year the mapping has a gap or a fold:
//
//	Europe/Berlin, 2026-03-29: a gap                 Europe/Berlin, 2026-10-25: a fold
//
//	UTC   00:59:59  01:00:00                         UTC   00:00 ...... 01:00 ...... 02:00
//	local 01:59:59  03:00:00                         local 02:00 first  02:00 second 03:00
//	              ^ 02:00..02:59 do not exist              02:00..02:59 exist twice
//
// A schedule is interval-like when its minute or its hour field holds a wildcard or a step ("*" or "/" anywhere in
// them). It follows real time: every instant whose reading matches is a fire. In a gap the missing readings do not
// fire; in a fold both passes do. The choice in DST does not touch it.
//
// Every other schedule names fixed times. Each reading it matches is one fire:
//
//	Gap AFTER  (default)  a reading that the clock skips fires at the first instant after the gap (03:00:00 above)
//	Gap SKIP              it does not fire
//	Gap BEFORE            it fires at the last whole second before the gap (01:59:59 above)
//	Fold FIRST (default)  a reading that comes twice fires at its first occurrence
//	Fold SECOND           at its second
//	Fold BOTH             at both
//
// A fire is an instant, so several skipped readings (02:15 and 02:45, or the range 0-59) fall together into one fire,
// and if the instant they move to is itself a matching reading they fall together with that one too. The same holds
// for a skipped date: Pacific/Apia had no 2011-12-30, and what was due on it fires at 2011-12-31 00:00:00.
// The second field does not decide: "* 30 2 * * *" names sixty fixed times.
//
// # Where zone data comes from
//
// Names and rules come from the copy of the IANA database in zoneinfo.zip, which is
// embedded, or from one zip or folder that [UseZones] has named: never from $ZONEINFO or
// the files of the system, which differ from machine to machine. A name is known if and
// only if these data have it, letter by letter: Europe//Berlin, europe/berlin, posix/UTC
// and Local are not, whatever a file system takes (TestOnlyNamesOfTheData).
// TestEmbeddedZones compares the copy with the toolchain's, and the check "zones" of
// arch_test.go keeps time.LoadLocation out. [ZoneData.Release] says which release is in
// force.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	instant.go error.go calendar.go spec.go dst.go macro.go value.go
//	fields.go wall.go hash.go pattern.go every.go
//	zonename.go zonetable.go zonedata.go intern.go zone.go rules.go
//	wallclock.go schedule.go
//	phrase.go parse.go compile.go means.go
//	describetime.go describeday.go describe.go shifts.go warnzone.go warn.go
//	zoneabbr.go zonewindows.go zonelike.go zoneadvice.go hints.go
//	cron.go
package cron
