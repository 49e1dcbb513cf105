package sim

import (
	"context"
	"encoding/binary"
	"maps"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
)

// client is who uses the engine, and what it remembers of the answers.
type client struct {
	start   time.Time
	several bool // nodes: edits of one job do not wait for each other

	mu       sync.Mutex
	jobs     []*known
	edits    int
	silences []silence
	triggers map[domain.ExecutionID]bool // true: answered; false: perhaps
}

// known is a job as the client knows it.
type known struct {
	id        domain.JobID
	createdAt int64
	acked     map[int]domain.Version // answered edits by their number
	asked     []domain.Version       // edits whose answer was unclear; number and time are not known
	deleted   bool
	deletedAt int64 // zero: the answer was unclear
	edits     int   // begun so far
	open      int   // of those, not answered for certain
}

// silence is a promise that a job sends nothing of its calendar: from the
// answer to a pause or a delete until its next edit begins.
type silence struct {
	job         *known
	from, until time.Duration // until zero: no end
	before      int64         // only of fires before this instant, at which a pause ends by itself; zero: of all
}

// ids are those of new jobs: which shard a job is of follows from the seed.
type ids struct {
	mu     sync.Mutex
	random *rand.Rand
}

func (i *ids) next(ms int64, n int) []domain.JobID {
	i.mu.Lock()
	defer i.mu.Unlock()
	made := domain.NewJobIDs(ms, n)
	for k := range made {
		binary.BigEndian.PutUint64(made[k][8:], i.random.Uint64()>>2|1<<63) // the variant of a UUID
	}
	return made
}

// node returns the number of a process.
func (i *ids) node() int64 {
	i.mu.Lock()
	defer i.mu.Unlock()
	return 1 + i.random.Int64N(1<<47)
}

// tag marks a spec so that it shows which edit it belongs to.
func (c *client) tag(s *domain.Spec) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.edits++
	setEdit(s, c.edits)
}

// maxWait is for how long a client waits for an answer.
const maxWait = 20 * time.Second

func (c *client) create(e *edit.Editor, docs []domain.SpecDoc) {
	for i := range docs {
		c.tag(&docs[i].Spec)
	}
	for i, made := range e.Create(context.Background(), docs) {
		if made.Version.JobID.IsZero() {
			continue // refused before it had a name
		}
		k := &known{id: made.Version.JobID, createdAt: made.Version.CreatedAt,
			acked: make(map[int]domain.Version), edits: 1}
		if made.Err == nil {
			k.acked[1] = made.Version
		} else {
			v := made.Version
			v.Spec, v.Active = docs[i].Spec, docs[i].IsActive
			k.asked = append(k.asked, v)
			k.deleted = true // it may be undone
		}
		c.mu.Lock()
		c.jobs = append(c.jobs, k)
		c.mu.Unlock()
	}
}

// begin ends the silence of a job and counts the edit.
func (c *client) begin(k *known) (edit int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k.edits++
	k.open++
	for i := range c.silences {
		if s := &c.silences[i]; s.job == k && s.until == 0 {
			s.until = time.Since(c.start)
		}
	}
	return k.edits
}

// beginSilence begins a silence, unless another edit has begun meanwhile, or one that began before, at
// another node, may come after it.
func (c *client) beginSilence(k *known, edit int, before int64) {
	if k.edits == edit && (!c.several || k.open == 0) {
		c.silences = append(c.silences, silence{job: k, from: time.Since(c.start), before: before})
	}
}

func (c *client) update(e *edit.Editor, k *known, change func(*domain.SpecDoc)) {
	edit := c.begin(k)
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	var want domain.SpecDoc
	v, err := e.Update(ctx, k.id, 0, func(d *domain.SpecDoc) error {
		change(d)
		c.tag(&d.Spec)
		want = *d
		return nil
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err == nil:
		k.open--
		k.acked[v.Number] = v
		if !v.Active {
			c.beginSilence(k, edit, v.Pause.Until)
		}
	case domain.ErrorCode(err) == domain.CodeUnavailable || domain.ErrorCode(err) == domain.CodeInternal:
		k.asked = append(k.asked, domain.Version{JobID: k.id, Active: want.IsActive, Pause: want.Pause,
			Spec: want.Spec})
	default:
		k.open--
	}
}

// remove deletes a job and reports whether it is gone for sure.
func (c *client) remove(e *edit.Editor, k *known) bool {
	edit := c.begin(k)
	ctx, cancel := context.WithTimeout(context.Background(), maxWait)
	defer cancel()
	at, err := e.Delete(ctx, k.id, 0)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err == nil {
		k.open--
		k.deleted, k.deletedAt = true, at
		c.beginSilence(k, edit, 0)
		return true
	}
	if domain.ErrorCode(err) == domain.CodeNotFound {
		return true
	}
	k.deleted = k.deleted || domain.ErrorCode(err) != domain.CodeConflict
	return false
}

func (c *client) trigger(e *edit.Editor, k *known) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	x, err := e.Trigger(ctx, k.id, 0)
	if x.ScheduledAt == 0 {
		return // refused
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.triggers[x.ID()] = err == nil
}

// list returns the jobs so far.
func (c *client) list() []*known {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.jobs)
}

// numbers returns the numbers of the answered edits of a job, in order.
func (k *known) numbers() []int { return slices.Sorted(maps.Keys(k.acked)) }
