package peerview

import (
	"context"
	"encoding/json"
	"io"
	"net/http"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// The paths of questions. Only nodes reach them.
const (
	Prefix        = "/cluster/ask/"
	pathList      = Prefix + "list"
	pathListHost  = Prefix + "list-host" // with a host, which a build that does not know it would ignore
	pathNextFires = Prefix + "next-fires"
	pathExecution = Prefix + "execution"
	pathHosts     = Prefix + "hosts"
	pathLoad      = Prefix + "load"
)

// maxQuestion bounds a question: a query is a few hundred bytes.
const maxQuestion = 64 << 10

// Live is what a node knows of executions that have not ended: an engine.
type Live interface {
	Live(id domain.ExecutionID) (domain.Execution, bool)
	LiveList(q store.ExecutionQuery) store.ExecutionPage
	NextFires(ctx context.Context, after domain.FireKey, limit int) ([]domain.FireKey, error)
}

// nextFires is the question for next fires.
type nextFires struct {
	After domain.FireKey `json:"after"`
	Limit int            `json:"limit"`
}

// Answerer answers the questions of other nodes. It is an http.Handler behind a gate, which lets
// nobody else in.
type Answerer struct {
	Live  Live
	Hosts view.Hosts
	Load  func() NodeLoad
}

// NodeLoad is what a node does.
type NodeLoad struct {
	Node int64 `json:"node"` // its token
	view.Load
}

// execution is the answer about one execution.
type execution struct {
	Found     bool             `json:"found"`
	Execution domain.Execution `json:"execution"`
}

// ServeHTTP implements http.Handler.
func (a *Answerer) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	text, err := io.ReadAll(io.LimitReader(r.Body, maxQuestion))
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	var answer any
	switch r.URL.Path {
	case pathList, pathListHost:
		var q store.ExecutionQuery
		if err = json.Unmarshal(text, &q); err == nil {
			answer = a.Live.LiveList(q)
		}
	case pathNextFires:
		var q nextFires
		if err = json.Unmarshal(text, &q); err == nil {
			if answer, err = a.Live.NextFires(r.Context(), q.After, min(q.Limit, store.MaxIDs)); err != nil {
				w.WriteHeader(http.StatusServiceUnavailable) // nobody waits for it any more
				return
			}
		}
	case pathExecution:
		var id domain.ExecutionID
		if err = json.Unmarshal(text, &id); err == nil {
			x, found := a.Live.Live(id)
			answer = execution{found, x}
		}
	case pathHosts:
		answer = a.Hosts.Hosts()
	case pathLoad:
		answer = a.Load()
	default:
		w.WriteHeader(http.StatusNotFound)
		return
	}
	if err != nil {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_ = json.NewEncoder(w).Encode(answer) // into memory: see peer.Gate
}
