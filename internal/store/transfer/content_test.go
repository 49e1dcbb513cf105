package transfer_test

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/webhook"
)

const (
	hour = int64(60 * 60_000)
	day  = 24 * hour
	noon = int64(1_773_144_000_000) // 2026-03-10T12:00:00Z
)

// content fills a store with something of everything that is kept, as a server would.
type content struct {
	t   *testing.T
	db  store.Store
	rng *rand.Rand

	jobs  []domain.Version // the current versions
	nonce int64
}

func fill(t *testing.T, db store.Store, seed uint64, jobs int) *content {
	t.Helper()
	c := &content{t: t, db: db, rng: rand.New(rand.NewPCG(seed, 1))}
	c.access()
	c.create(jobs)
	c.edit()
	c.execute(4)
	c.operate()
	c.settings()
	c.others()
	return c
}

func (c *content) ok(err error) {
	c.t.Helper()
	if err != nil {
		c.t.Fatal(err)
	}
}

func (c *content) one(of int) bool { return c.rng.IntN(of) == 0 }

func (c *content) change(at int64) domain.Change {
	c.nonce++
	return domain.Change{
		At: at, Nonce: c.nonce, By: domain.Author{Key: "env", Name: "ci", Address: "10.0.0.1"},
		RequestID: fmt.Sprint("r", c.nonce),
	}
}

func (c *content) spec(n int) domain.Spec {
	s := domain.DefaultSpec()
	s.Schedule, s.API, s.Type = "0 */5 * * * *", "http://127.0.0.1:4444/ok", domain.AtLeastOnce
	s.Name = fmt.Sprintf("job %d ü", n)
	if c.one(3) {
		s.Type = domain.AtMostOnce
		s.Namespace, s.Tags = "team", []string{"a", "b"}
		s.Key = fmt.Sprint("key-", n)
	}
	if c.one(3) {
		s.Headers = map[string]string{"Authorization": fmt.Sprint("Bearer ", n), "X-Plain": "x"}
		s.SecretNames = []string{"x-more"}
		s.Signing.Secrets = []webhook.Secret{"whsec_" + webhook.Secret(strings.Repeat("AbC+", 8))}
	}
	if c.one(3) {
		s.Body = json.RawMessage(`{"text": "` + strings.Repeat("x", c.rng.IntN(2_000)) + `"}`)
		s.TimeoutMs, s.JitterMs, s.Overlap = 5_000, 100, domain.OverlapSkip
	}
	return s
}

// create makes jobs one by one, and half of them by an import.
func (c *content) create(n int) {
	var made []domain.Version
	for i := range n {
		at := noon - 3*day + int64(i)*1_000
		made = append(made, domain.Version{
			JobID: domain.NewJobID(at), Number: 1, EffectiveFrom: at + 5, EffectiveTo: domain.Forever, CreatedAt: at,
			Active: !c.one(5), Spec: c.spec(i),
		})
	}
	half := made[:n/2]
	imported := c.change(noon - 3*day)
	imported.Action = domain.ActionImport
	c.ok(c.db.Jobs().Create(store.WithChange(c.t.Context(), imported), half))
	for i := range made[n/2:] {
		v := made[n/2+i]
		ctx := store.WithChange(c.t.Context(), c.change(v.CreatedAt))
		if c.one(2) {
			ctx = store.WithIdempotency(ctx, c.record(v.CreatedAt))
		}
		c.ok(c.db.Jobs().Create(ctx, []domain.Version{v}))
	}
	c.jobs = made
}

func (c *content) record(at int64) domain.IdempotencyRecord {
	var r domain.IdempotencyRecord
	for i := range r.Key {
		r.Key[i] = byte(c.rng.Uint32())
	}
	r.Caller, r.At, r.Fingerprint[3] = "env", at, 7
	return r
}

// edit updates jobs, and deletes some.
func (c *content) edit() {
	kept := c.jobs[:0]
	for _, v := range c.jobs {
		for c.one(2) {
			v.Number++
			v.EffectiveFrom += 1 + c.rng.Int64N(hour)
			v.Active = !c.one(4)
			v.Spec.TimeoutMs = 1_000 + c.rng.Int64N(9_000)
			c.ok(c.db.Jobs().Update(store.WithChange(c.t.Context(), c.change(v.EffectiveFrom)), v))
		}
		if c.one(6) {
			at := v.EffectiveFrom + 1 + c.rng.Int64N(hour)
			c.ok(c.db.Jobs().Delete(store.WithChange(c.t.Context(), c.change(at)), v.JobID, v.Number, at))
			continue
		}
		kept = append(kept, v)
	}
	c.jobs = kept
}

// execute records executions of some days: fires of all ends, triggers, summaries, open runs.
func (c *content) execute(days int64) {
	for d := range days {
		at := noon - 2*day + d*day
		for _, v := range c.jobs {
			var b store.Batch
			for i := range int64(6) {
				b.Facts = append(b.Facts, c.fact(v, at+i*5*60_000))
			}
			if c.one(3) {
				e := c.fact(v, at+c.rng.Int64N(hour))
				c.nonce++
				e.Nonce, e.Missed = c.nonce, nil
				b.Facts = append(b.Facts, e)
			}
			if d >= 2 && c.one(4) { // days with open runs are not dropped
				b.Open = append(b.Open, c.run(v, at+12*5*60_000))
			}
			c.ok(c.db.Ledger().Record(c.t.Context(), b))
		}
	}
}

func (c *content) fact(v domain.Version, at int64) domain.Execution {
	e := domain.Execution{
		FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: at}, Version: v.Number, Status: domain.StatusSuccess,
		StartedAt: at + 3, CompletedAt: at + 3 + c.rng.Int64N(day), HTTPStatus: 200,
	}
	switch c.rng.IntN(8) {
	case 0:
		e.Status, e.HTTPStatus, e.Error, e.RetryCount = domain.StatusFailed, 500, "500: \x00broken\xff", 1
		e.Attempts = []domain.Attempt{
			{Number: 1, StartedAt: at + 3, CompletedAt: at + 13, Error: "connection refused"},
			{Number: 2, StartedAt: at + 20, CompletedAt: at + 23, HTTPStatus: 503, Error: "busy\xfe"},
		}
	case 1:
		e.Status, e.StartedAt, e.HTTPStatus, e.Error = domain.StatusMissed, 0, 0, "older than maxAgeMs"
		e.Missed = &domain.MissedRange{From: at - 2*60_000, Count: 3}
	case 2:
		e.Status, e.StartedAt, e.HTTPStatus, e.Error = domain.StatusSkipped, 0, 0, "the job still runs"
	case 3:
		e.Status, e.HTTPStatus, e.Error = domain.StatusUnknown, 0, "a crash"
	}
	return e
}

func (c *content) run(v domain.Version, at int64) domain.OpenRun {
	r := domain.OpenRun{
		FireKey: domain.FireKey{JobID: v.JobID, ScheduledAt: at}, Version: v.Number, NextAt: at + 1_000, CreatedAt: at,
		InFlight: c.one(2), Runner: 77, RunUntil: at + hour, Crashes: c.rng.IntN(3),
	}
	if c.one(2) {
		r.Attempts = []domain.Attempt{{Number: 1, StartedAt: at + 1, CompletedAt: at + 9, HTTPStatus: 503}}
	}
	return r
}

// access makes API keys, entries of the trail that are about nothing else, and a refusal.
func (c *content) access() {
	ctx := c.t.Context()
	for i := range 5 {
		_, key := domain.NewAPIKey()
		key.Name, key.Role, key.CreatedAt = fmt.Sprint("key ", i), domain.RoleEditor, noon-4*day
		if i == 2 {
			key.Namespace, key.ExpiresAt = "team", noon+day
		}
		c.ok(c.db.Keys().Add(store.WithChange(ctx, c.change(key.CreatedAt)), key))
		if i == 3 {
			c.ok(c.db.Keys().Revoke(store.WithChange(ctx, c.change(noon-3*day)), key.ID, noon-3*day, false))
		}
		c.ok(c.db.Keys().Used(ctx, map[string]int64{key.ID: noon - 60_000*int64(i)}))
	}
	for i := range byte(3) {
		e := domain.EndedSession{ID: domain.SessionID{i, 1}, ExpiresAt: noon + int64(i)}
		c.ok(c.db.Keys().EndSession(ctx, e, noon-day))
	}
	refused := c.change(noon - 2*day)
	refused.Action, refused.Detail = domain.ActionRefuse, "DELETE /jobs/\x00{id}"
	refused.Times, refused.LastAt = 12, noon
	c.ok(c.db.Changes().Add(ctx, refused))
	r := c.record(noon)
	r.Status, r.Refusal = 422, []byte(`{"title":"no"}`)
	c.ok(c.db.Idempotency().Put(ctx, r))
	i := c.record(noon)
	i.Import = domain.ImportState{Items: 7, Digest: i.Fingerprint, Done: true}
	c.ok(c.db.Idempotency().Put(ctx, i))
}

// operate begins operations on many jobs: one has ended, one is cancelled, one is pending.
func (c *content) operate() {
	ctx := c.t.Context()
	var ids []domain.JobID
	for i := range c.jobs {
		ids = append(ids, c.jobs[i].JobID)
	}
	for i := range 3 {
		o := domain.Operation{
			ID: domain.NewOperationID(noon), Action: domain.BulkTag, Tags: domain.TagChange{Add: []string{"x"}},
			Namespace: "team", By: domain.Author{Key: "env"}, Role: domain.RoleEditor, CreatedAt: noon,
			State: domain.OperationRunning, Counts: domain.OperationCounts{Matched: int64(len(ids))}, MatchedAt: noon,
		}
		c.ok(c.db.Operations().Create(store.WithChange(ctx, c.change(noon)), o, ids))
		switch i {
		case 0:
			o.State, o.EndedAt, o.Fault = domain.OperationFailed, noon+1, "it could not"
			o.Errors = []domain.OperationError{{JobID: ids[0], Message: "no"}}
			c.ok(c.db.Operations().Mark(ctx, o, ids))
		case 1:
			by := domain.Cancellation{At: noon + 1, By: domain.Author{Key: "loopback"}}
			c.ok(c.db.Operations().Cancel(ctx, o.ID, by))
		}
	}
}

func (c *content) others() {
	ctx := c.t.Context()
	v := c.jobs[0]
	c.ok(c.db.Ledger().SetAside(ctx, []store.Aside{
		{JobID: v.JobID, Version: v.Number, Since: noon, Certain: noon + 3},
	}))
	lost := []domain.Loss{{JobID: v.JobID, ScheduledAt: noon, Version: v.Number}}
	_, err := c.db.Alerts().AddLost(ctx, lost, noon+5)
	c.ok(err)
	c.ok(c.db.Shards().AddZoneRules(ctx, []store.ZoneRules{
		{Zone: "Europe/Berlin", Release: "2026a", Data: "TZif\x00"},
		{Zone: "America/New_York", From: noon, Release: "2026b", Data: "TZif2"},
	}))
}

// settings configure alerts, with secrets and without, and delete some of that.
func (c *content) settings() {
	for i := range 5 {
		s := domain.AlertSetting{
			Kind: domain.AlertSettingKinds[i%len(domain.AlertSettingKinds)], ID: fmt.Sprint("s-", i),
			Body: []byte(fmt.Sprintf(`{"name": "größer %d"}`, i)),
		}
		if i%2 == 0 {
			s.Secrets = []byte(fmt.Sprintf(`{"url":"https://hooks.test/%d"}`, i))
		}
		kept, err := c.db.AlertSettings().PutAlertSetting(c.t.Context(), s, c.change(noon))
		c.ok(err)
		if i == 3 {
			c.ok(c.db.AlertSettings().DeleteAlertSetting(c.t.Context(), s.Kind, s.ID, kept.Revision, c.change(noon)))
		}
	}
}
