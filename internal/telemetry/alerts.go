package telemetry

import (
	"sync"

	"github.com/prometheus/client_golang/prometheus"
)

// Alerts are the metrics of how people are told of alerts. They are safe for use by several goroutines.
//
// Each server counts what it does itself. What is open and what waits is in the database, of which one server tells
// people: that one alone shows it (between Begin and End), so that a sum over servers is right, too. It shows what was
// last read: a scrape reads nothing from the database. Label values are the words of the API; those of a kind are the
// kinds of channels and UNKNOWN. A channel has no series of its own: its id is chosen by users.
type Alerts struct {
	attempts, messages *prometheus.CounterVec
	open, pending      *prometheus.Desc
	oldest, acting     *prometheus.Desc
	lag                *prometheus.Desc

	mu     sync.Mutex
	now    func() int64 // nil: this server does not tell people
	looked int64        // when it has read what is new, Unix milliseconds
	shown  *AlertsShown // nil: nothing was read yet
}

// AlertsShown is what the server that tells people has read.
type AlertsShown struct {
	Groups   map[GroupLabels]int   // that are open
	Messages map[MessageLabels]int // that are pending
	Oldest   map[string]int64      // when the oldest message that waits was made, by kind; zero: none waits
	Acting   map[string]int        // silences and maintenance windows that act, by kind
}

// GroupLabels are those of open groups.
type GroupLabels struct{ Level, State string }

// MessageLabels are those of messages that are pending: see MessagesWaiting.
type MessageLabels struct{ Kind, State string }

// The values of [MessageLabels.State].
const (
	MessagesWaiting = "waiting" // their channel is served
	MessagesHeld    = "held"    // their channel is disabled, or is not there
)

// Outcomes of attempts and of messages.
const (
	outcomeDelivered     = "delivered"
	outcomeFailed        = "failed"
	outcomeUndeliverable = "undeliverable"
)

// Describe implements [prometheus.Collector].
func (a *Alerts) Describe(to chan<- *prometheus.Desc) {
	a.attempts.Describe(to)
	a.messages.Describe(to)
	for _, d := range []*prometheus.Desc{a.open, a.pending, a.oldest, a.acting, a.lag} {
		to <- d
	}
}

// Collect implements [prometheus.Collector].
func (a *Alerts) Collect(to chan<- prometheus.Metric) {
	a.attempts.Collect(to)
	a.messages.Collect(to)
	a.mu.Lock()
	now, looked, shown := a.now, a.looked, a.shown
	a.mu.Unlock()
	if now == nil {
		return
	}
	gauge := func(d *prometheus.Desc, value float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, value, labels...)
	}
	since := func(at int64) float64 { return float64(max(0, now()-at)) / 1000 }
	gauge(a.lag, since(looked))
	if shown == nil {
		return
	}
	for l, n := range shown.Groups {
		gauge(a.open, float64(n), l.Level, l.State)
	}
	for l, n := range shown.Messages {
		gauge(a.pending, float64(n), l.Kind, l.State)
	}
	for kind, at := range shown.Oldest {
		age := 0.0
		if at != 0 {
			age = since(at)
		}
		gauge(a.oldest, age, kind)
	}
	for kind, n := range shown.Acting {
		gauge(a.acting, float64(n), kind)
	}
}

// Serve lets the counters of a kind of channels begin at zero.
func (a *Alerts) Serve(kind string) {
	a.attempts.WithLabelValues(kind, outcomeDelivered)
	a.attempts.WithLabelValues(kind, outcomeFailed)
	a.messages.WithLabelValues(kind, outcomeDelivered)
	a.messages.WithLabelValues(kind, outcomeUndeliverable)
}

// Attempted counts an attempt.
func (a *Alerts) Attempted(kind string, delivered bool) {
	a.attempts.WithLabelValues(kind, outcomeOf(delivered, outcomeFailed)).Inc()
}

// Ended counts messages that have ended.
func (a *Alerts) Ended(kind string, delivered bool, n int) {
	a.messages.WithLabelValues(kind, outcomeOf(delivered, outcomeUndeliverable)).Add(float64(n))
}

func outcomeOf(delivered bool, otherwise string) string {
	if delivered {
		return outcomeDelivered
	}
	return otherwise
}

// Begin notes that this server tells people from now on. now says what time it is, in Unix milliseconds.
func (a *Alerts) Begin(now func() int64) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now, a.looked, a.shown = now, now(), nil
}

// Looked notes that what is new was read.
func (a *Alerts) Looked() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.now != nil {
		a.looked = a.now()
	}
}

// Show shows what was read. Nobody changes it afterwards.
func (a *Alerts) Show(s *AlertsShown) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shown = s
}

// End notes that this server does not tell people any more.
func (a *Alerts) End() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.now, a.shown = nil, nil
}
