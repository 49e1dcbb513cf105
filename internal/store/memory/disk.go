package memory

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// ErrClosed is in the chain of the error of every call after Close.
var ErrClosed = errors.New("memory: the store is closed")

// ErrOpen says that another store is open on the disk.
var ErrOpen = errors.New("memory: the disk is in use")

// Disk holds the data of one database.
type Disk struct {
	clock clock.Clock

	mu       sync.Mutex
	open     *Store // by Open
	jobs     map[domain.JobID]*job
	byKey    map[jobKey]domain.JobID // of jobs that are not deleted
	facts    []*domain.Execution     // by key
	ofJob    map[domain.JobID][]*domain.Execution
	runs     map[domain.FireKey]domain.OpenRun
	asides   []store.Aside     // by job and version
	rules    []store.ZoneRules // by zone and instant
	counters map[counterKey]counter
	points   pointsByStep
	alertState
	admission
	changes []domain.Change // by (At, Nonce)
	once    map[domain.IdempotencyKey]domain.IdempotencyRecord
	bulk    map[domain.OperationID]*operation
	kept    int64 // history before it was dropped
	owners  owners
}

// admission says who may come in.
type admission struct {
	keys  map[string]domain.APIKey
	ended map[domain.SessionID]int64 // when each session would have ended by itself
	// nextEnded is the first of these instants, or one before it.
	nextEnded int64
}

// alertState is what is known of alerts, and what people are told of them.
type alertState struct {
	alerts  []*alert                // in the order in which they began
	failing map[domain.JobID]*alert // those that are open
	losses  []loss

	groups   map[domain.GroupID]domain.Group
	members  map[memberKey]domain.Member
	messages map[domain.NotificationID]domain.Notification

	settings        map[settingKey]domain.AlertSetting
	settingRevision int64
}

type settingKey struct {
	kind domain.AlertSettingKind
	id   string
}

type memberKey struct {
	job  domain.JobID
	rule string
}

func newAlertState() alertState {
	return alertState{
		failing: make(map[domain.JobID]*alert), groups: make(map[domain.GroupID]domain.Group),
		members: make(map[memberKey]domain.Member), messages: make(map[domain.NotificationID]domain.Notification),
		settings: make(map[settingKey]domain.AlertSetting),
	}
}

// NewDisk returns an empty disk with one shard. The clock is the store clock of
// every store that is opened on it.
func NewDisk(clk clock.Clock) *Disk { return NewShardedDisk(clk, 1) }

// NewShardedDisk returns an empty disk with so many shards.
func NewShardedDisk(clk clock.Clock, shards int) *Disk {
	return &Disk{
		owners: newOwners(clk, shards),
		clock:  clk, jobs: make(map[domain.JobID]*job), byKey: make(map[jobKey]domain.JobID),
		ofJob: make(map[domain.JobID][]*domain.Execution),
		runs:  make(map[domain.FireKey]domain.OpenRun), counters: make(map[counterKey]counter),
		points:     make(pointsByStep),
		once:       make(map[domain.IdempotencyKey]domain.IdempotencyRecord),
		bulk:       make(map[domain.OperationID]*operation),
		admission:  admission{keys: make(map[string]domain.APIKey), ended: make(map[domain.SessionID]int64)},
		alertState: newAlertState(),
	}
}

// Open returns a store on the disk, or ErrOpen while another one is not closed.
func (d *Disk) Open() (*Store, error) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.open != nil {
		return nil, ErrOpen
	}
	d.open = &Store{disk: d}
	return d.open, nil
}

// Join returns one more store on the disk, beside those that are open: each is that of
// another process.
func (d *Disk) Join() *Store { return &Store{disk: d} }

// Store implements store.Store. It is safe for use by many goroutines.
type Store struct {
	disk   *Disk
	closed bool // under the lock of the disk
}

// The roles. Each is the store under another name.
type (
	jobs     struct{ *Store }
	history  struct{ *Store }
	ledger   struct{ *Store }
	shards   struct{ *Store }
	alerts   struct{ *Store }
	notices  struct{ *Store }
	settings struct{ *Store }
	series   struct{ *Store }
	keys     struct{ *Store }
	changes  struct{ *Store }
	once     struct{ *Store }
	bulk     struct{ *Store }
	edits    struct{ *Store }
	nodes    struct{ *Store }
)

// Jobs implements store.Store.
func (s *Store) Jobs() store.Jobs { return jobs{s} }

// History implements store.Store.
func (s *Store) History() store.History { return history{s} }

// Ledger implements store.Store.
func (s *Store) Ledger() store.Ledger { return ledger{s} }

// Shards implements store.Store.
func (s *Store) Shards() store.Shards { return shards{s} }

// Alerts implements store.Store.
func (s *Store) Alerts() store.Alerts { return alerts{s} }

// Notices implements store.Store.
func (s *Store) Notices() store.Notices { return notices{s} }

// AlertSettings implements store.Store.
func (s *Store) AlertSettings() store.AlertSettings { return settings{s} }

// Series implements store.Store.
func (s *Store) Series() store.Series { return series{s} }

// Keys implements store.Store.
func (s *Store) Keys() store.Keys { return keys{s} }

// Changes implements store.Store.
func (s *Store) Changes() store.Changes { return changes{s} }

// Idempotency implements store.Store.
func (s *Store) Idempotency() store.Idempotency { return once{s} }

// Operations implements store.Store.
func (s *Store) Operations() store.Operations { return bulk{s} }

// Edits implements store.Store.
func (s *Store) Edits() store.Edits { return edits{s} }

// Nodes implements store.Store.
func (s *Store) Nodes() store.Nodes { return nodes{s} }

// Close ends the store at once: no later call does anything. The disk can be
// opened again. A second Close does nothing.
func (s *Store) Close() error {
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	s.closed = true
	if s.disk.open == s {
		s.disk.open = nil
	}
	return nil
}

// do runs fn on the disk, alone. Nothing is done once the context or the store
// has ended.
func (s *Store) do(ctx context.Context, fn func(d *Disk) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	s.disk.mu.Lock()
	defer s.disk.mu.Unlock()
	if s.closed {
		return domain.Unavailable(ErrClosed, "the store is closed")
	}
	return fn(s.disk)
}

// stream gives copies of what gather found to fn, outside the lock, so that fn
// may call the store.
func stream[T any](ctx context.Context, s *Store, gather func(d *Disk) []T, fn func(T) error) error {
	var found []T
	err := s.do(ctx, func(d *Disk) error {
		found = gather(d)
		return nil
	})
	for i := 0; err == nil && i < len(found); i++ {
		err = fn(found[i])
	}
	return err
}

// compareKeys is the order of the history, oldest first.
func compareKeys(a, b domain.FireKey) int {
	return cmp.Or(cmp.Compare(a.ScheduledAt, b.ScheduledAt), slices.Compare(a.JobID[:], b.JobID[:]),
		cmp.Compare(a.Nonce, b.Nonce))
}

func compareFact(e *domain.Execution, k domain.FireKey) int { return compareKeys(e.FireKey, k) }

const (
	minuteMs = 60_000
	dayMs    = 24 * 60 * minuteMs
)

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
