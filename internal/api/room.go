package api

import (
	"context"
	"errors"
	"time"

	"github.com/belfry-scheduler/belfry/internal/budget"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// What the requests of all clients may hold in memory at a time, beside the base of a server:
//
//	connections   1,000 * 48 KiB         47 MiB   buffers, stacks, heads of 20 KiB, bodies of smallBody
//	answers       answerBytes            24 MiB   pages of lists while they are written
//	bodies        bodyBytes              16 MiB   documents, what is made of them, single jobs, metrics
//	exports       4 * 2 MiB               8 MiB   a page, its last job, and that as JSON
//	exports of the history  2 * 2 MiB     4 MiB   two pieces and a buffer
//	imports       2 * 30 MiB             60 MiB   chunks 6, results of a million items 20, errors 4
//	test calls      8 * 2 MiB            16 MiB   64 KiB of an answer: as it came, searched for secrets, as JSON
//	forecast      1 * 110 MiB           110 MiB   100,000 calendars with their schedules, and names (measured)
//	                                    285 MiB
//	garbage                              96 MiB   at most, while collections follow each other (package app)
//	                                    381 MiB
//
// TLS takes 20 KiB more of each connection. A body is counted three times: as it came, as fields,
// and as a row. max_body above 1 MiB makes bodies larger: four of the largest fit.
const (
	answerBytes = 24 << 20
	bodyBytes   = 16 << 20

	smallBody  = 4 << 10 // is not counted
	bodyCopies = 3
	pageCost   = 6 << 20   // of a list, until its length is known: a page of pageBytes, and that as JSON
	jobCost    = 768 << 10 // of one job: 300 KiB, and that as JSON or as its next version

	maxExports          = 4
	maxExportsPerCaller = 2
	maxImports          = 2

	maxTestCalls          = 8 // each waits for a target
	maxTestCallsPerCaller = 2

	lineLength  = 512 // requests that wait, for each kind; 256 of one caller
	defaultWait = 10 * time.Second
)

// costs are what operations hold beside their bodies. A list gives back what its page does not
// need.
var costs = map[string]int64{
	"list-jobs": pageCost, "list-changes": pageCost, "list-job-executions": pageCost, "list-executions": pageCost,
	"list-recent-executions": pageCost, "list-failed-executions": pageCost, "list-alerts": pageCost,
	"list-running-executions": pageCost, "get-series": pageCost,
	"list-alert-groups": pageCost, "list-notifications": pageCost,
	"list-hosts": pageCost, "list-keys": pageCost, "list-operations": pageCost, "bulk-jobs": pageCost,
	"list-job-executions-by-key": pageCost,
	"list-job-versions":          pageCost, "list-job-versions-by-key": pageCost,

	"list-channels": pageCost, "get-channel": jobCost, "put-channel": jobCost,
	"list-alert-rules": pageCost, "list-silences": pageCost, "list-maintenance-windows": pageCost,

	"get-forecast": jobCost, // what it computes with is not of these: one is made at a time

	"get-job-by-key": jobCost, "put-job-by-key": jobCost, "patch-job-by-key": jobCost,
	"pause-job-by-key": jobCost, "resume-job-by-key": jobCost,
	"get-job": jobCost, "restore-job-version": jobCost, "preview-job-change": jobCost,
	"update-job": jobCost, "patch-job": jobCost, "pause-job": jobCost, "resume-job": jobCost,
	"delete-job":  jobCost,
	"test-call":   jobCost, // with what comes back
	"test-job":    jobCost,
	"trigger-job": jobCost, // with a condition: otherwise the job is not read
}

// room lends requests the memory that they take. A request that does not get it at once waits in
// line, callers in turn, and is then refused.
type room struct {
	answers, bodies  *lender // bytes
	exports, imports *lender // places
	testCalls        *lender // places
}

// lender is a budget, and what a refusal says of it.
type lender struct {
	*budget.Budget
	quota
}

// contentAtATime is the quota of content that may be held in so much memory. Each byte of it is
// there bodyCopies times.
func contentAtATime(name string, memory int64) quota {
	return quota{name: name, most: int(memory / bodyCopies), unit: unitBytes}
}

func newRoom(maxBody int64, wait time.Duration) *room {
	if wait == 0 {
		wait = defaultWait
	}
	of := func(total, perCaller int64, q quota) *lender {
		return &lender{budget.New(budget.Config{Total: total, PerCaller: perCaller, Line: lineLength, Wait: wait}), q}
	}
	bytes := func(name string, total int64) *lender {
		return of(total, total*3/4, contentAtATime(name, total*3/4))
	}
	places := func(name string, total, perCaller int64) *lender {
		return of(total, perCaller, atATime(name, int(perCaller)))
	}
	bodies := max(bodyBytes, 4*(bodyCopies*maxBody+jobCost))
	return &room{
		answers: bytes("pages", answerBytes), bodies: bytes("bodies", bodies),
		exports: places("exports", maxExports, maxExportsPerCaller), imports: places("imports", maxImports, maxImports),
		testCalls: places("test-calls", maxTestCalls, maxTestCallsPerCaller),
	}
}

// heldKey leads to what a request has been lent.
type heldKey struct{}

// held is what a request has been lent. It is given back when the answer is written.
type held struct{ shares []*budget.Share }

func (h *held) release() {
	for _, share := range h.shares {
		share.Release()
	}
}

// take lends the request an amount until its answer is written.
func take(ctx context.Context, from *lender, amount int64) error {
	share, err := from.Take(ctx, visitorOf(ctx).caller(), amount)
	switch {
	case errors.Is(err, budget.ErrFull):
		return kindBusy.problem("Other requests have all memory, or all places, that there is for this one.").
			throttled(from.quota, busyWait)
	case err != nil:
		return err
	}
	if h, ok := ctx.Value(heldKey{}).(*held); ok {
		h.shares = append(h.shares, share)
		return nil
	}
	share.Release() // nobody would
	return errors.New("api: a request without a list of what it holds")
}

// fit gives back what an answer of so many bytes does not need.
func fit(ctx context.Context, bytes int) {
	if h, ok := ctx.Value(heldKey{}).(*held); ok && len(h.shares) > 0 {
		h.shares[0].Shrink(bodyCopies * int64(bytes))
	}
}

// caller names who makes a request, for shares: the key, or the address where many may use one.
func (v visitor) caller() string {
	switch v.author.Key {
	case domain.AuthorEnv, domain.AuthorLoopback, domain.AuthorAnonymous:
		return v.author.Address
	}
	return v.author.Key
}
