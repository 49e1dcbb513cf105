package cron

import "math/bits"

// H chooses its value with this hash. The hash determines when jobs fire, so it must
// never change; hash_test.go compares it with golden values.
//
//	seed        = FNV-1a, 64 bit, over the 16 bytes of the job id
//	h(seed, f)  = SplitMix64 finalizer of seed + (f+1) * 0x9e3779b97f4a7c15    f: 0 second .. 5 day-of-week
//	H over a..b = a + high 64 bits of h * (b-a+1)
//	H(a-b)/n    = a + high 64 bits of h * n, then every n-th value up to b
//
// FNV: https://datatracker.ietf.org/doc/html/rfc9923. SplitMix64: Steele, Lea and Flood,
// "Fast splittable pseudorandom number generators", OOPSLA 2014. Using the high word of
// the product instead of a remainder: Lemire, "Fast random integer generation in an
// interval", ACM TOMACS 29 (2019).

// SeedOf is the seed of a job: a hash of its id, the same at all times and on every machine.
func SeedOf(id [16]byte) uint64 {
	h := uint64(0xcbf29ce484222325)
	for _, c := range id {
		h = (h ^ uint64(c)) * 0x100000001b3
	}
	return h
}

// fieldHash mixes the seed with the number of the field, so that the values that H
// chooses in different fields are independent.
func fieldHash(seed uint64, field fieldID) uint64 {
	z := seed + (uint64(field)+1)*0x9e3779b97f4a7c15
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// hashed is one H item of a compiled schedule: lo..hi inclusive, step 0 for a single value.
type hashed struct {
	field        fieldID
	lo, hi, step uint8
}

// choices is how many sets the item may mean.
func (h hashed) choices() uint64 {
	if h.step > 0 {
		return uint64(h.step)
	}
	return uint64(h.hi-h.lo) + 1
}

// pick is the job's choice, from 0.
func (h hashed) pick(seed uint64) uint64 {
	high, _ := bits.Mul64(fieldHash(seed, h.field), h.choices())
	return high
}

// mask is the set of values of a choice.
func (h hashed) mask(pick uint64) uint64 {
	if h.step == 0 {
		return 1 << (uint64(h.lo) + pick)
	}
	var m uint64
	for v := uint64(h.lo) + pick; v <= uint64(h.hi); v += uint64(h.step) {
		m |= 1 << v
	}
	return m
}
