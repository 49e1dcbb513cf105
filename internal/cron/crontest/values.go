package crontest

import (
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"strconv"
)

var names = map[string]int{
	"JAN": 1, "FEB": 2, "MAR": 3, "APR": 4, "MAY": 5, "JUN": 6, "JUL": 7, "AUG": 8, "SEP": 9, "OCT": 10, "NOV": 11,
	"DEC": 12, "SUN": 0, "MON": 1, "TUE": 2, "WED": 3, "THU": 4, "FRI": 5, "SAT": 6,
}

func number(s string) (int, error) {
	if n, ok := names[s]; ok {
		return n, nil
	}
	return strconv.Atoi(s)
}

var rangeForm = regexp.MustCompile(`^(\*|\?|H|H\((\w+)-(\w+)\)|(\w+)|(\w+)-(\w+))(?:/(\d+))?$`)

// addValues puts the values of one item into a set.
func addValues(set map[int]bool, text string, field, lowest, highest int, seed uint64) error {
	m := rangeForm.FindStringSubmatch(text)
	if m == nil {
		return fmt.Errorf("crontest: item %q", text)
	}
	step, _ := strconv.Atoi(m[7])
	var lo, hi int
	var err error
	switch {
	case m[1] == "*" || m[1] == "?":
		lo, hi = lowest, highest
	case m[1] == "H" || m[2] != "":
		lo, hi, err = hashBounds(m[2], m[3], field, lowest, highest, step, seed)
	case m[4] != "" && step > 0: // 5/15: from 5 on
		lo, err = number(m[4])
		hi = highest
	case m[4] != "":
		lo, err = number(m[4])
		hi = lo
	default:
		lo, err = number(m[5])
		if err == nil {
			hi, err = number(m[6])
		}
	}
	if err != nil {
		return fmt.Errorf("crontest: item %q: %w", text, err)
	}
	if field == 5 && lo == 7 { // Sunday; 7 stays 7 only as the end of a range
		lo, hi = 0, hi%7
	}
	walk(set, lo, hi, max(step, 1), lowest, highest)
	return nil
}

// hashBounds is where H begins and ends for a job.
func hashBounds(from, to string, field, lo, hi, step int, seed uint64) (int, int, error) {
	if field == 3 {
		hi = 28
	}
	if from != "" {
		var err, err2 error
		lo, err = number(from)
		hi, err2 = number(to)
		if err = errors.Join(err, err2); err != nil {
			return 0, 0, err
		}
	}
	if step > 0 {
		return lo + chosen(seed, field, step), hi, nil
	}
	lo += chosen(seed, field, hi-lo+1)
	return lo, lo, nil
}

// walk adds the values from lo to hi in steps, and wraps around at the end of the field
// if hi is less than lo. hi may be 7 for a weekday.
func walk(set map[int]bool, lo, hi, step, lowest, highest int) {
	size := highest - lowest + 1
	if lo > hi {
		hi += size
	}
	for v := lo; v <= hi; v += step {
		set[(v-lowest)%size+lowest] = true
	}
}

// chosen is H's choice out of n, by the formula in hash.go of package cron, in arithmetic
// that cannot overflow.
func chosen(seed uint64, field, n int) int {
	word := new(big.Int).Lsh(big.NewInt(1), 64)
	big64 := func(s string) *big.Int { b, _ := new(big.Int).SetString(s, 0); return b }
	z := new(big.Int).SetUint64(seed)
	z.Add(z, new(big.Int).Mul(big.NewInt(int64(field+1)), big64("0x9e3779b97f4a7c15"))).Mod(z, word)
	for _, round := range []struct {
		shift uint
		mul   string
	}{{30, "0xbf58476d1ce4e5b9"}, {27, "0x94d049bb133111eb"}, {31, "1"}} {
		z.Xor(z, new(big.Int).Rsh(z, round.shift))
		z.Mul(z, big64(round.mul)).Mod(z, word)
	}
	return int(z.Mul(z, big.NewInt(int64(n))).Rsh(z, 64).Int64())
}
