package peerview

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/peer"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/view"
)

// Peers are the other nodes.
type Peers interface {
	// Others returns those that are there and fire jobs. Of those that cannot be reached it
	// returns how many there are.
	Others() (nodes []peer.Node, unreachable int)
	// Send sends a request to a node: see [peer.Link.Send].
	Send(ctx context.Context, to peer.Node, r *http.Request, body []byte, caller peer.Caller) (
		*http.Response, peer.Outcome, error)
}

// atOnce is how many nodes are asked at a time.
const atOnce = 16

// Asker asks the other nodes. It implements view.Others.
type Asker struct{ Peers Peers }

// asker is who asks, for the log of the node that answers.
var asker = peer.Caller{By: domain.Author{Key: "node"}, Role: domain.RoleViewer}

// LiveList implements view.Others.
func (a *Asker) LiveList(ctx context.Context, q store.ExecutionQuery) (pages []store.ExecutionPage, missing int) {
	path := pathList
	if q.Host != (domain.HostFilter{}) {
		path = pathListHost
	}
	return ask[store.ExecutionPage](ctx, a.Peers, path, q)
}

// Live implements view.Others.
func (a *Asker) Live(ctx context.Context, id domain.ExecutionID) (x domain.Execution, found bool, missing int) {
	answers, missing := ask[execution](ctx, a.Peers, pathExecution, id)
	for i := range answers {
		if answers[i].Found {
			return answers[i].Execution, true, 0
		}
	}
	return x, false, missing
}

// NextFires implements view.Others.
func (a *Asker) NextFires(ctx context.Context, after domain.FireKey, limit int) (fires [][]domain.FireKey,
	missing int) {
	return ask[[]domain.FireKey](ctx, a.Peers, pathNextFires, nextFires{after, limit})
}

// Hosts implements view.Others.
func (a *Asker) Hosts(ctx context.Context) (hosts [][]view.Host, missing int) {
	return ask[[]view.Host](ctx, a.Peers, pathHosts, nil)
}

// Loads returns what the other nodes do, by their tokens. Those that do not answer are absent.
func (a *Asker) Loads(ctx context.Context) map[int64]view.Load {
	answers, _ := ask[NodeLoad](ctx, a.Peers, pathLoad, nil)
	loads := make(map[int64]view.Load, len(answers))
	for i := range answers {
		loads[answers[i].Node] = answers[i].Load
	}
	return loads
}

// ask asks all other nodes at once, and returns their answers in any order, and how many have given none.
func ask[A any](ctx context.Context, peers Peers, path string, question any) (answers []A, missing int) {
	body, err := json.Marshal(question)
	nodes, missing := peers.Others()
	if err != nil {
		return nil, missing + len(nodes)
	}
	var mu sync.Mutex
	var all sync.WaitGroup
	places := make(chan struct{}, atOnce)
	for _, n := range nodes {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			answer, err := askOne[A](ctx, peers, n, path, body)
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				missing++
			} else {
				answers = append(answers, answer)
			}
		})
	}
	all.Wait()
	return answers, missing
}

func askOne[A any](ctx context.Context, peers Peers, to peer.Node, path string, body []byte) (answer A, err error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, to.URL+path, bytes.NewReader(body))
	if err != nil {
		return answer, err
	}
	r.Header.Set("Content-Type", "application/json")
	res, outcome, err := peers.Send(ctx, to, r, body, asker)
	if outcome != peer.Answered {
		return answer, err
	}
	defer func() { _ = res.Body.Close() }()
	if res.StatusCode != http.StatusOK { // of another build, which does not know the question
		return answer, fmt.Errorf("node %s answers %d", to.Name, res.StatusCode)
	}
	err = json.NewDecoder(res.Body).Decode(&answer)
	return answer, err
}
