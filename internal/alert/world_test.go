package alert

import (
	"context"
	"encoding/binary"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// delivered is a message that has reached a channel.
type delivered struct {
	channel string
	Message
	at int64
}

// mailbox is the receiving side of all channels. A channel hangs or refuses while it is told to.
type mailbox struct {
	mu      sync.Mutex
	got     []delivered
	hangs   map[string]bool
	refuses map[string]error
	judges  func(c *domain.Channel, m *Message) error // what becomes of a message; nil: it is taken
}

// Send implements Sender.
func (b *mailbox) Send(ctx context.Context, c *domain.Channel, m *Message) error {
	b.mu.Lock()
	hangs, refusal := b.hangs[c.ID], b.refuses[c.ID]
	if b.judges != nil && refusal == nil {
		refusal = b.judges(c, m)
	}
	b.mu.Unlock()
	if hangs {
		timeout, cancel := context.WithTimeout(ctx, 15*time.Second)
		defer cancel()
		<-timeout.Done()
		return &DeliveryError{Text: "no answer in 15 s"}
	}
	if refusal != nil {
		return refusal
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.got = append(b.got, delivered{c.ID, *m, time.Now().UnixMilli()})
	return nil
}

func (b *mailbox) set(change func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	change()
}

// of returns what a channel has got.
func (b *mailbox) of(channel string) (got []delivered) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, d := range b.got {
		if d.channel == channel {
			got = append(got, d)
		}
	}
	return got
}

func (b *mailbox) types(channel string) (types []domain.NotificationType) {
	for _, d := range b.of(channel) {
		types = append(types, d.Type)
	}
	return types
}

// world is a teller over a store in memory, on virtual time. It can be ended and begun again on the same disk.
type world struct {
	t        *testing.T
	disk     *memory.Disk
	store    *faulty.Store
	box      mailbox
	settings Settings
	mu       sync.Mutex // of settings
	faults   func() []Fault
	metrics  *telemetry.Alerts
	stop     func()
}

func bubble(t *testing.T, test func(t *testing.T, w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, disk: memory.NewDisk(clock.System{}), settings: Settings{
			Channels: []domain.Channel{{ID: "ops", Kind: domain.ChannelWebhook, Default: true}},
			Rules:    []domain.AlertRule{domain.DefaultRule()},
		}, metrics: telemetry.NewAlerts()}
		w.box.hangs, w.box.refuses = make(map[string]bool), make(map[string]error)
		w.store = faulty.New(w.disk.Join(), 1)
		test(t, w)
		if w.stop != nil {
			w.stop()
		}
	})
}

// begin starts the teller, as a server that starts or takes over.
func (w *world) begin() {
	w.t.Helper()
	teller := w.teller()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		teller.Run(ctx)
	}()
	w.stop = func() {
		cancel()
		<-ended
		w.stop = nil
	}
}

// teller returns one that does not run yet.
func (w *world) teller() *Teller {
	w.t.Helper()
	teller, err := New(Config{
		Store: w.store, Clock: clock.System{}, Log: slog.New(slog.DiscardHandler), Sender: &w.box, Link: "https://b/",
		Faults: w.faults, Metrics: w.metrics,
		Settings: func(context.Context) (Settings, error) {
			w.mu.Lock()
			defer w.mu.Unlock()
			return w.settings, nil
		},
	})
	if err != nil {
		w.t.Fatal(err)
	}
	return teller
}

func (w *world) change(change func(*Settings)) {
	w.mu.Lock()
	defer w.mu.Unlock()
	change(&w.settings)
}

// wait lets time pass, and all that happens in it.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func jobID(n int) domain.JobID {
	id := domain.JobID{0: 1, 6: 0x70, 8: 0x80}
	binary.BigEndian.PutUint32(id[12:], uint32(n))
	return id
}

// jobs makes jobs 1 to n of a host.
func (w *world) jobs(from, to int, api string) {
	w.t.Helper()
	var versions []domain.Version
	for n := from; n <= to; n++ {
		spec := domain.DefaultSpec()
		spec.Schedule, spec.API, spec.Type = "0 * * * * *", api, domain.AtLeastOnce
		versions = append(versions, domain.Version{
			JobID: jobID(n), Number: 1, EffectiveFrom: 1, EffectiveTo: domain.Forever, CreatedAt: 1, Active: true,
			Spec: spec,
		})
	}
	for part := range slices.Chunk(versions, 1000) {
		if err := w.store.Jobs().Create(w.t.Context(), part); err != nil {
			w.t.Fatal(err)
		}
	}
}

// record puts executions of jobs on record that end now.
func (w *world) record(status domain.Status, jobs ...int) {
	w.t.Helper()
	now := time.Now().UnixMilli()
	var b store.Batch
	for _, n := range jobs {
		e := domain.Execution{
			FireKey: domain.FireKey{JobID: jobID(n), ScheduledAt: now}, Version: 1, Status: status, StartedAt: now,
			CompletedAt: now,
		}
		if status == domain.StatusFailed {
			e.HTTPStatus, e.Error = 503, "503 Service Unavailable: out of disks"
		}
		b.Facts = append(b.Facts, e)
	}
	if err := w.store.Ledger().Record(w.t.Context(), b); err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) fail(jobs ...int)    { w.record(domain.StatusFailed, jobs...) }
func (w *world) succeed(jobs ...int) { w.record(domain.StatusSuccess, jobs...) }

// upTo returns 1 to n.
func upTo(n int) (all []int) {
	for i := range n {
		all = append(all, i+1)
	}
	return all
}

func (w *world) groups() []domain.Group {
	w.t.Helper()
	found, err := w.store.Notices().Groups(context.Background(), store.GroupQuery{Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	return found
}

func (w *world) messages(state domain.NotificationState) (found []domain.Notification) {
	w.t.Helper()
	all, err := w.store.Notices().Messages(context.Background(), store.MessageQuery{Limit: 10_000})
	if err != nil {
		w.t.Fatal(err)
	}
	for _, n := range all {
		if n.State == state {
			found = append(found, n)
		}
	}
	return found
}

// want compares what a channel has got.
func (w *world) want(channel string, types ...domain.NotificationType) {
	w.t.Helper()
	if got := w.box.types(channel); !slices.Equal(got, types) {
		w.t.Errorf("%s has got %v, want %v", channel, got, types)
	}
}
