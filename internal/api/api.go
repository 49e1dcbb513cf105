package api

import (
	"errors"
	"log/slog"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
)

// Body limits of the contract, in bytes.
const (
	DefaultMaxBody   = 1 << 20
	DefaultMaxImport = 64 << 20
)

// Config is what the API is made of.
type Config struct {
	Editor  Editor
	Live    Observer
	Store   store.Store
	Clock   clock.Clock
	Metrics *telemetry.Metrics
	Log     *slog.Logger
	Pace    *clock.Pace // of imports and exports; may be nil

	Keys      *access.Keyring // who may come in; without a key whoever reaches the loopback address
	Open      bool            // without a key everybody else may too, as an editor
	Version   string          // of Belfry
	StartedAt time.Time       // of the process
	MaxBody   int64           // bytes of one document; zero: DefaultMaxBody
	MaxImport int64           // bytes of an import; zero: DefaultMaxImport

	Retention time.Duration // of the history: older days are not audited; zero: all are

	// CheckTarget returns why the URL of a job would not be called, as far as
	// the URL itself tells. nil: every URL may be called.
	CheckTarget func(url string) error

	ClientCertificates []string // names that a job may say

	Checks []func() domain.Check // of health, beside the engine's
}

func (c *Config) validate() error {
	if c.Editor == nil || c.Live == nil || c.Store == nil || c.Clock == nil || c.Log == nil || c.Metrics == nil ||
		c.Keys == nil {
		return errors.New("api: Editor, Live, Store, Clock, Metrics, Log and Keys are required")
	}
	if c.MaxBody < 0 || c.MaxImport < 0 {
		return errors.New("api: MaxBody and MaxImport must not be negative")
	}
	if c.MaxBody == 0 {
		c.MaxBody = DefaultMaxBody
	}
	if c.MaxImport == 0 {
		c.MaxImport = DefaultMaxImport
	}
	return nil
}

// server is the API.
type server struct {
	Config
	mux     *http.ServeMux
	huma    huma.API
	guard   *guard
	spaces  namespaces
	order   atomic.Uint32 // of changes; see changeBy
	imports chan struct{} // a place for each import under way
	audits  chan struct{} // a place for each audit under way
	// historyExports has a place for each export of the history under way.
	historyExports chan struct{}
}

// New returns the API as one handler. The error is about the Config.
func New(c Config) (http.Handler, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	s := &server{
		Config:  c,
		mux:     http.NewServeMux(),
		guard:   newGuard(&c),
		imports: make(chan struct{}, maxImports),
		audits:  make(chan struct{}, maxAudits),

		historyExports: make(chan struct{}, maxHistoryExports),
	}
	seal, err := newSeal()
	if err != nil {
		return nil, err
	}
	s.spaces.seal = seal
	s.huma = humago.New(s.mux, reference.Config(c.Version))
	s.registerJobs()
	s.registerImport()
	s.registerExport()
	s.registerHistoryExport()
	s.registerExecutions()
	s.registerSchedules()
	s.registerObservability()
	s.registerAudit()
	s.registerKeys()
	s.registerChanges()
	s.registerHealth()
	s.mux.HandleFunc("/", s.noRoute)
	if err := s.registerDocs(); err != nil { // last: it renders all the others
		return nil, err
	}
	return front.NewHandler(front.Config{Next: s, Fault: panicProblem, Clock: c.Clock, Metrics: c.Metrics, Log: c.Log})
}
