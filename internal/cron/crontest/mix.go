package crontest

// Expression is one of the mix, and the same in the notation that other Go libraries take.
type Expression struct {
	Text   string // for Belfry
	Common bool   // github.com/robfig/cron/v3 with optional seconds reads it the same way
}

// Mix has fifty expressions as people write them: mostly times of day and periods, some
// calendar forms. Benchmarks report their median over it, so it must not change.
var Mix = []Expression{
	{"* * * * *", true}, {"*/5 * * * *", true}, {"*/15 * * * *", true}, {"0 * * * *", true}, {"30 * * * *", true},
	{"0 */2 * * *", true}, {"0 */6 * * *", true}, {"0 0 * * *", true}, {"30 2 * * *", true}, {"15 3 * * *", true},
	{"0 9 * * 1-5", true}, {"30 9 * * MON-FRI", true}, {"0 9,17 * * *", true}, {"0 0 * * 0", true},
	{"0 8 * * MON", true},
	{"0 0 1 * *", true}, {"0 6 1,15 * *", true}, {"0 0 1 1 *", true}, {"0 0 1 */3 *", true}, {"0 22 * * FRI", true},
	{"*/10 9-17 * * MON-FRI", true}, {"0 9-17 * * MON-FRI", true}, {"5,35 * * * *", true}, {"0 0 13 * FRI", true},
	{"59 23 31 12 *", true},
	{"* * * * * *", true}, {"*/10 * * * * *", true}, {"30 * * * * *", true}, {"0 */5 * * * *", true},
	{"0 0 * * * *", true},
	{"0 30 9 * * *", true}, {"15 30 4 * * *", true}, {"0 0 12 * * ?", true}, {"0 15 10 ? * MON-FRI", true},
	{"0 0-5 14 * * ?", true},
	{"0 10,44 14 ? 3 WED", true}, {"@hourly", true}, {"@daily", true}, {"@weekly", true}, {"@monthly", true},
	{"0 0 0 29 2 *", true}, {"0 0 3 31 * *", true}, {"0 15 10 L * ?", false}, {"0 0 18 LW * ?", false},
	{"0 0 9 15W * ?", false},
	{"0 15 10 ? * 6L", false}, {"0 0 10 ? * FRI#2", false}, {"H H * * *", false}, {"H/15 * * * *", false},
	{"0 0 12 1 1 ? 2026/2", false},
}

// Nasty has accepted expressions that are expensive to search: fires that are years
// apart, and calendar forms in several fields.
var Nasty = []string{
	"59 59 23 ? 2 MON#5",
	"0 0 0 29 2 ? 1972/8",
	"0 0 0 29 2 ? 2196",
	"59 59 23 31 12 ? 2199",
	"0 0 0 31W 1-11/2 SUN#5",
	"0 0 0 L-30,LW,1W,31W 2 SUN#5,6L 1970/7",
	"0 30 2 ? 3 SUNL",
	"0 30 2 ? 3 7#5 1970/4",
	"0 0 0 ? 2 SAT#5",
	"H H H H H ? 2199",
	"0 0 0 L-28 2 ?",
	"0 0 0 ? 2 SUN#5 2032-2060/28",
}
