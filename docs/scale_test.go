package docs_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// shards is how many a database has.
const shards = 64

// inputs are the figures of scale.md that all others are computed from, by their symbols.
type inputs map[string]float64

func scaleInputs(t *testing.T, page string) inputs {
	t.Helper()
	in := inputs{}
	row := regexp.MustCompile("(?m)^\\| `([A-Z]+)` \\| [^|]+ \\| ([0-9.,]+) [^|]*\\|")
	for _, m := range row.FindAllStringSubmatch(page, -1) {
		value, err := strconv.ParseFloat(strings.ReplaceAll(m[2], ",", ""), 64)
		if err != nil {
			t.Fatal(err)
		}
		in[m[1]] = value
	}
	if len(in) != 11 {
		t.Fatalf("scale.md has the inputs %v", in)
	}
	return in
}

// two writes a figure with two digits, and thousands with commas.
func two(x float64) string {
	if x <= 0 {
		return "0"
	}
	scale := math.Pow(10, math.Floor(math.Log10(x))-1)
	x = math.Round(x/scale) * scale
	if x < 10 {
		return strconv.FormatFloat(x, 'f', max(0, 1-int(math.Floor(math.Log10(x)))), 64)
	}
	text := strconv.FormatFloat(x, 'f', 0, 64)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

func tableRow(cells ...string) string { return "| " + strings.Join(cells, " | ") + " |" }

// cellRow is what a cell with a rate of fires takes.
func (in inputs) cellRow(rate float64) string {
	const million, day = 1e6, 86_400
	disk := rate * day * in["B"]
	return tableRow(two(rate), two(rate*in["P"]/million), two(rate*in["L"]/million), two(disk/1e9), two(30*disk/1e12),
		two(rate*in["S"]/million), two(rate*in["T"]/million))
}

// takeover is how long the others take to load the jobs of one of so many servers, in seconds: each loads a part, and
// the database has a limit.
func (in inputs) takeover(jobs, servers float64) float64 {
	return jobs / servers / min(in["R"]*(servers-1), in["G"])
}

// jobsRow is what jobs in a cell with eight servers take.
func (in inputs) jobsRow(jobs float64) string {
	const servers = 8
	all := jobs * in["M"]
	return tableRow(two(jobs), two(all/1e9), two(all/servers/1e9), two(all/(servers-1)/1e9), two(jobs*in["V"]/1e9),
		two(in.takeover(jobs, servers)))
}

// servers is how many servers of eight cores and 32 GB a cell needs: half of the processor for calls by HTTPS, half
// of the memory for jobs, a fifth of a second for a call, ten seconds for a takeover; and one more.
func (in inputs) servers(rate, jobs float64) (n int, bound string) {
	const cores, memory, call, takeover = 4, 16e9, 0.2, 10
	needs := []struct {
		n     float64
		bound string
	}{
		{rate * in["T"] / 1e6 / cores, "processor"}, {jobs * in["M"] / memory, "memory"},
		{rate * call / in["F"], "calls in flight"}, {jobs / in["G"] / takeover, "takeover"},
		{2, "two at least"},
	}
	most := slices.MaxFunc(needs, func(a, b struct {
		n     float64
		bound string
	}) int {
		return int(math.Ceil(a.n)) - int(math.Ceil(b.n))
	})
	return int(math.Ceil(most.n)) + 1, most.bound
}

// goalRow is a million fires a second and a billion jobs in a number of cells.
func (in inputs) goalRow(cells float64) string {
	rate, jobs := 1e6/cells, 1e9/cells
	n, bound := in.servers(rate, jobs)
	return tableRow(strconv.Itoa(int(cells)), two(rate), two(jobs), two(rate*in["P"]/1e6),
		two(rate*86_400*in["B"]/1e12), fmt.Sprintf("%d (%s)", n, bound), two(float64(n)*cells))
}

// shareRow is how evenly so many servers share the shards.
func shareRow(servers int) string {
	most := (shards + servers - 1) / servers
	mean := float64(shards) / float64(servers)
	without := (shards + servers - 2) / (servers - 1)
	return tableRow(strconv.Itoa(servers), strconv.Itoa(most), fmt.Sprintf("%.2f", float64(most)/mean),
		fmt.Sprintf("%.2f", float64(without)/mean))
}

// TestScale computes the tables of scale.md from the figures at its top.
func TestScale(t *testing.T) {
	page := read(t, "scale.md")
	in := scaleInputs(t, page)
	var rows []string
	for _, rate := range []float64{1e3, 1e4, 5e4, 1e5, 2e5} {
		rows = append(rows, in.cellRow(rate))
	}
	for _, jobs := range []float64{1e6, 1e7, 1e8} {
		rows = append(rows, in.jobsRow(jobs))
	}
	for _, cells := range []float64{5, 10, 20, 50} {
		rows = append(rows, in.goalRow(cells))
	}
	for _, n := range []int{2, 3, 4, 6, 8, 16, 24, 32, 64} {
		rows = append(rows, shareRow(n))
	}
	for _, row := range rows {
		if !strings.Contains(page, "\n"+row+"\n") {
			t.Errorf("scale.md has no row\n%s", row)
		}
	}
}

// largest returns how many times the mean the largest of some loads is.
func largest(loads []float64) float64 {
	sum := 0.0
	for _, x := range loads {
		sum += x
	}
	return slices.Max(loads) * float64(len(loads)) / sum
}

// TestScaleOfShards: how evenly jobs fall on shards, with ids as servers make them.
func TestScaleOfShards(t *testing.T) {
	page := read(t, "scale.md")
	for _, jobs := range []int{10_000, 100_000, 1_000_000} {
		counts := make([]float64, shards)
		for i := range jobs {
			counts[domain.NewJobID(1_796_000_000_000+int64(i)).Shard(shards)]++
		}
		// Ids are random: what is said is a bound of six standard deviations.
		mean := float64(jobs) / shards
		bound := 1 + 6/math.Sqrt(mean)
		if got := largest(counts); got > bound {
			t.Errorf("%d jobs: the largest shard has %.3f of the mean, more than %.3f", jobs, got, bound)
		}
		want := fmt.Sprintf("%s jobs %.0f %%", two(float64(jobs)), math.Ceil(100*(bound-1)))
		if !strings.Contains(page, want) {
			t.Errorf("scale.md does not say %q", want)
		}
	}
}

// placed simulates namespaces whose sizes follow Zipf's law (the n-th has 1/n of the first) that come in random
// order, and returns how many times the mean the largest cell has.
func placed(namespaces, cells int, leastLoaded bool) float64 {
	random := rand.New(rand.NewPCG(1, 2)) //nolint:gosec // a simulation
	loads := make([]float64, cells)
	for _, i := range random.Perm(namespaces) {
		cell := random.IntN(cells)
		if leastLoaded {
			cell = slices.Index(loads, slices.Min(loads))
		}
		loads[cell] += 1 / float64(i+1)
	}
	return largest(loads)
}

// TestScaleOfPlacement simulates a router that places namespaces in cells.
func TestScaleOfPlacement(t *testing.T) {
	page := read(t, "scale.md")
	for _, namespaces := range []int{100, 1_000, 100_000} {
		row := tableRow(two(float64(namespaces)), fmt.Sprintf("%.2f", placed(namespaces, 10, false)),
			fmt.Sprintf("%.2f", placed(namespaces, 10, true)))
		if !strings.Contains(page, "\n"+row+"\n") {
			t.Errorf("scale.md has no row\n%s", row)
		}
	}
}
