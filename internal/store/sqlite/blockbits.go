package sqlite

import (
	"hash/fnv"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/rows"
)

// A block has so many bits: 1,280 bytes, of which three fit a page of SQLite. 32 jobs with names
// and URLs of 100 characters, half of them random, have some 1,500 different grams and set every
// seventh bit. Without anything random they have 500.
const (
	blockBits  = 10_240
	blockBytes = blockBits / 8
)

// bits are a Bloom filter of what some jobs have: the grams of their texts, which are all
// runs of one, two and three bytes, and exact terms. A text that holds another has all grams
// of it.
type bits [blockBytes]byte

func (b *bits) set(at uint32)      { b[at>>3] |= 1 << (at & 7) }
func (b *bits) has(at uint32) bool { return b[at>>3]&(1<<(at&7)) != 0 }

// join adds the others, and reports whether there were any that are new.
func (b *bits) join(o *bits) (more bool) {
	for i := range b {
		more = more || o[i]&^b[i] != 0
		b[i] |= o[i]
	}
	return more
}

// covers reports whether the bits have all places.
func (b *bits) covers(places []uint32) bool {
	for _, at := range places {
		if !b.has(at) {
			return false
		}
	}
	return true
}

// place mixes a hash (Murmur3's last step) and returns its place among the bits.
func place(h uint32) uint32 {
	h ^= h >> 16
	h *= 0x85ebca6b
	h ^= h >> 13
	h *= 0xc2b2ae35
	h ^= h >> 16
	return uint32(uint64(h) * blockBits >> 32)
}

// grams calls add with the place of each gram of a text.
func grams(text string, add func(uint32)) {
	var two, three uint32
	for i := range len(text) {
		c := uint32(text[i])
		two, three = two<<8&0xff00|c, three<<8&0xffff00|c
		add(place(1<<24 | c))
		if i > 0 {
			add(place(2<<24 | two))
		}
		if i > 1 {
			add(place(3<<24 | three))
		}
	}
}

// inDefault is the namespace of most jobs: it tells no blocks apart, and has no term.
const inDefault = "default"

// The kinds of exact terms.
const (
	termTag       = "t"
	termHost      = "h"
	termName      = "n"
	termNamespace = "s"
)

// termPlaces is how many bits an exact term sets. With every fifth bit of a block set, one in 600
// blocks has those of a term that none of its jobs has.
const termPlaces = 4

func term(kind, value string, add func(uint32)) {
	hash := fnv.New64a()
	_, _ = hash.Write([]byte(kind + value)) // never fails
	sum := hash.Sum64()
	for i := range uint32(termPlaces) {
		add(place(uint32(sum) + i*(uint32(sum>>32)|1)))
	}
}

// addJob sets what a version of a job has.
func (b *bits) addJob(id domain.JobID, namespace, name, api string, tags rows.Text) {
	for _, s := range []string{domain.FoldCase(name), domain.FoldCase(api), id.String()} {
		grams(s, b.set)
	}
	term(termName, name, b.set)
	term(termHost, domain.HostName(api), b.set)
	if namespace != "" && namespace != inDefault {
		term(termNamespace, namespace, b.set)
	}
	for _, tag := range rows.DecodeTags(tags) {
		term(termTag, tag, b.set)
	}
}
