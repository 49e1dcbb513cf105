package storetest

import (
	"context"
	"fmt"
	"sync"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var keyCases = []testCase{
	{"a key is kept as it was made, through a reopen", keyLife},
	{"a repeated Add succeeds, another key with the id or the hash conflicts", keyRepeat},
	{"a revoked key is not listed, and Revoke can be repeated", keyRevoke},
	{"the last key that always lets an admin in is kept where that is asked for", keyLast},
	{"a session that was ended is known until it would have ended by itself", sessionEnds},
	{"ended sessions are bounded", sessionsBounded},
	{"Used keeps the latest instant and knows no strangers", keyUsed},
}

var changeCases = []testCase{
	{"a write under a change makes one entry, with the versions", changeOfJobs},
	{"a write without a change makes none", changeWithout},
	{"a write that is refused or repeated makes none", changeRefused},
	{"an import is one entry that counts what was made, and one of each of its jobs", changeImport},
	{"keys that are made and revoked are entries", changeOfKeys},
	{"what is done to groups and messages by hand has an entry of the trail", changeOfNotices},
	{"Add writes an entry once, and a repeat raises its counts", changeAdd},
	{"List pages, newest first, between two instants and by job", changePages},
	{"Expire drops entries with the history of their day, and the versions they name not before", changeExpire},
}

// apiKey returns key n.
func apiKey(n int) domain.APIKey {
	return domain.APIKey{
		ID: fmt.Sprintf("aaaaaa%02d", n), Hash: [32]byte{0: byte(n), 31: 1}, Name: fmt.Sprintf("Schlüssel %d", n),
		Role: domain.RoleEditor, Namespace: "billing", CreatedAt: noon + int64(n), ExpiresAt: noon + day,
	}
}

func (f *fixture) keys(t *testing.T) []domain.APIKey {
	t.Helper()
	return must(f.Store.Keys().List(t.Context()))(t)
}

func (f *fixture) addKey(t *testing.T, k domain.APIKey) {
	t.Helper()
	ok(t, f.Keys().Add(t.Context(), k))
}

func keyLife(t *testing.T, f *fixture) {
	equal(t, f.keys(t), nil)
	first, second := apiKey(1), apiKey(2)
	second.ExpiresAt, second.Namespace = 0, ""
	f.addKey(t, second)
	f.addKey(t, first)
	for range 2 {
		equal(t, f.keys(t), []domain.APIKey{first, second})
		f.reopen(t)
	}
}

func keyRepeat(t *testing.T, f *fixture) {
	f.addKey(t, apiKey(1))
	ok(t, f.Keys().Used(t.Context(), map[string]int64{apiKey(1).ID: noon + hour}))
	f.addKey(t, apiKey(1))
	for _, change := range []func(*domain.APIKey){
		func(k *domain.APIKey) { k.Role = domain.RoleAdmin },
		func(k *domain.APIKey) { k.Namespace = "" },
		func(k *domain.APIKey) { k.Hash[0]++ },
		func(k *domain.APIKey) { k.ID = "bbbbbbbb" },
	} {
		other := apiKey(1)
		change(&other)
		wantCode(t, f.Keys().Add(t.Context(), other), domain.CodeConflict)
	}
	want := apiKey(1)
	want.LastUsedAt = noon + hour
	equal(t, f.keys(t), []domain.APIKey{want})
}

func keyRevoke(t *testing.T, f *fixture) {
	f.addKey(t, apiKey(1))
	f.addKey(t, apiKey(2))
	wantCode(t, f.Keys().Revoke(t.Context(), "nobody", noon, false), domain.CodeNotFound)
	for range 2 {
		ok(t, f.Keys().Revoke(t.Context(), apiKey(1).ID, noon+hour, false))
		equal(t, f.keys(t), []domain.APIKey{apiKey(2)})
		f.reopen(t)
	}
	wantCode(t, f.Keys().Revoke(t.Context(), apiKey(1).ID, noon+2*hour, false), domain.CodeNotFound)
}

func keyLast(t *testing.T, f *fixture) {
	admin := func(n int, expires int64) domain.APIKey {
		k := apiKey(n)
		k.Role, k.Namespace, k.ExpiresAt = domain.RoleAdmin, "", expires
		f.addKey(t, k)
		return k
	}
	editor := apiKey(3)
	editor.ExpiresAt = 0
	f.addKey(t, editor)
	a, b := admin(1, 0), admin(2, 0)
	expiring := admin(4, noon+day)
	ok(t, f.Keys().Revoke(t.Context(), a.ID, noon+hour, true))
	ok(t, f.Keys().Revoke(t.Context(), a.ID, noon+hour, true)) // a repeat
	wantCode(t, f.Keys().Revoke(t.Context(), b.ID, noon+hour, true), domain.CodeConflict)
	ok(t, f.Keys().Revoke(t.Context(), editor.ID, noon+hour, true))
	ok(t, f.Keys().Revoke(t.Context(), expiring.ID, noon+hour, true))
	wantCode(t, f.Keys().Revoke(t.Context(), b.ID, noon+hour, true), domain.CodeConflict)
	equal(t, f.keys(t), []domain.APIKey{b})
	ok(t, f.Keys().Revoke(t.Context(), b.ID, noon+hour, false))
	ok(t, f.Keys().Revoke(t.Context(), b.ID, noon+hour, true)) // a repeat: it is not the last any more
	equal(t, f.keys(t), nil)
}

func keyUsed(t *testing.T, f *fixture) {
	f.addKey(t, apiKey(1))
	f.addKey(t, apiKey(2))
	use := func(at int64) {
		ok(t, f.Keys().Used(t.Context(), map[string]int64{apiKey(1).ID: at, "nobody": at}))
	}
	use(noon + hour)
	use(noon + minute)
	f.reopen(t)
	want := apiKey(1)
	want.LastUsedAt = noon + hour
	equal(t, f.keys(t), []domain.APIKey{want, apiKey(2)})
}

func endedIn(t *testing.T, f *fixture) []domain.EndedSession {
	t.Helper()
	return must(f.Store.Keys().EndedSessions(t.Context()))(t)
}

func sessionEnds(t *testing.T, f *fixture) {
	equal(t, endedIn(t, f), nil)
	a := domain.EndedSession{ID: domain.SessionID{1, 15: 9}, ExpiresAt: noon + hour}
	b := domain.EndedSession{ID: domain.SessionID{0, 15: 255}, ExpiresAt: noon + 2*hour}
	c := domain.EndedSession{ID: domain.SessionID{255}, ExpiresAt: noon + 3*hour}
	for _, e := range []domain.EndedSession{a, b, a} {
		ok(t, f.Keys().EndSession(t.Context(), e, noon))
	}
	for range 2 {
		equal(t, endedIn(t, f), []domain.EndedSession{b, a})
		f.reopen(t)
	}
	ok(t, f.Keys().EndSession(t.Context(), c, noon+hour))
	equal(t, endedIn(t, f), []domain.EndedSession{b, c})
}

func sessionsBounded(t *testing.T, f *fixture) {
	end := func(n int, now int64) error {
		e := domain.EndedSession{ID: domain.SessionID{byte(n >> 8), byte(n)}, ExpiresAt: noon + hour + int64(n&1)}
		return f.Keys().EndSession(t.Context(), e, now)
	}
	const workers = 50
	var group sync.WaitGroup
	for w := range workers {
		group.Go(func() {
			for n := w; n < domain.MaxEndedSessions-workers; n += workers {
				if err := end(n, noon); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	for n := range workers { // one after the other: the last one is the last that there may be
		ok(t, end(domain.MaxEndedSessions-workers+n, noon))
	}
	wantCode(t, end(domain.MaxEndedSessions, noon), domain.CodeConflict)
	ok(t, end(1, noon)) // a repeat
	ok(t, end(domain.MaxEndedSessions, noon+hour))
	if n := len(endedIn(t, f)); n != domain.MaxEndedSessions/2+1 {
		t.Errorf("%d are known after half of them have ended by themselves", n)
	}
}

// by returns a context under a change that was asked for at an instant, and the
// change.
func by(t *testing.T, at, nonce int64) (context.Context, domain.Change) {
	c := domain.Change{At: at, Nonce: nonce, By: domain.Author{Key: "aaaaaa01", Name: "CI", Address: "192.0.2.1"},
		RequestID: "r-1"}
	return store.WithChange(t.Context(), c), c
}

func (f *fixture) changes(t *testing.T) []domain.Change {
	t.Helper()
	return must(f.Store.Changes().List(t.Context(), store.ChangeQuery{To: domain.Forever, Limit: 100}))(t)
}

// entry fills in a change as a store does.
func entry(c domain.Change, action domain.Action, version int) domain.Change {
	c.Action, c.JobID, c.Version = action, jobID(1), version
	return c
}

func changeOfJobs(t *testing.T, f *fixture) {
	v1 := version(1)
	v2 := edit(v1, noon+minute, func(v *domain.Version) { v.Spec.Name = "renamed" })
	ctx, made := by(t, noon, 7)
	ok(t, f.Jobs().Create(ctx, []domain.Version{v1}))
	ctx, changed := by(t, noon, 8)
	ok(t, f.Jobs().Update(ctx, v2))
	ctx, deleted := by(t, noon+minute, 1)
	ok(t, f.Jobs().Delete(ctx, jobID(1), 2, noon+hour))

	old, last := closed(v1, noon+minute), closed(v2, noon+hour)
	create := entry(made, domain.ActionCreate, 1)
	create.After = &old
	update := entry(changed, domain.ActionUpdate, 2)
	update.Before, update.After = &old, &last
	remove := entry(deleted, domain.ActionDelete, 2)
	remove.Before = &last
	for range 2 {
		equal(t, f.changes(t), []domain.Change{remove, update, create})
		f.reopen(t)
	}
}

func changeWithout(t *testing.T, f *fixture) {
	f.create(t, version(1))
	f.update(t, edit(version(1), noon+minute, nil))
	ok(t, f.Jobs().Delete(t.Context(), jobID(1), 2, noon+hour))
	f.addKey(t, apiKey(1))
	ok(t, f.Keys().Revoke(t.Context(), apiKey(1).ID, noon, false))
	equal(t, f.changes(t), nil)
}

func changeRefused(t *testing.T, f *fixture) {
	f.create(t, version(1))
	ctx, _ := by(t, noon, 7)
	ok(t, f.Jobs().Create(ctx, []domain.Version{version(1)})) // a repeat
	other := version(1)
	other.Spec.Name = "another"
	wantCode(t, f.Jobs().Create(ctx, []domain.Version{other}), domain.CodeConflict)
	wantCode(t, f.Jobs().Update(ctx, edit(version(2), noon+minute, nil)), domain.CodeNotFound)
	wantCode(t, f.Jobs().Delete(ctx, jobID(1), 2, noon), domain.CodeConflict)
	wantCode(t, f.Keys().Revoke(ctx, "nobody", noon, false), domain.CodeNotFound)
	equal(t, f.changes(t), nil)

	ctx, changed := by(t, noon, 8)
	next := edit(version(1), noon+minute, nil)
	for range 2 {
		ok(t, f.Jobs().Update(ctx, next))
	}
	ctx, deleted := by(t, noon, 9)
	for range 2 {
		ok(t, f.Jobs().Delete(ctx, jobID(1), 2, noon+hour))
	}
	got := f.changes(t)
	for i := range got {
		got[i].Before, got[i].After = nil, nil
	}
	equal(t, got, []domain.Change{entry(deleted, domain.ActionDelete, 2), entry(changed, domain.ActionUpdate, 2)})
}

func changeImport(t *testing.T, f *fixture) {
	c := domain.Change{At: noon, Nonce: 5, Action: domain.ActionImport, By: domain.Author{Key: domain.AuthorEnv}}
	ctx := store.WithChange(t.Context(), c)
	ok(t, f.Jobs().Create(ctx, []domain.Version{version(1), version(2)}))
	ok(t, f.Jobs().Create(ctx, []domain.Version{version(2)})) // a repeat
	ok(t, f.Jobs().Create(ctx, []domain.Version{version(2), version(3)}))
	c.Count = 3
	ctx, changed := by(t, noon+minute, 1)
	old, next := version(3), edit(version(3), noon+minute, nil)
	ok(t, f.Jobs().Update(ctx, next))
	f.create(t, version(4)) // without an entry
	update := changed
	update.Action, update.JobID, update.Version = domain.ActionUpdate, jobID(3), 2
	old = closed(old, noon+minute)
	update.Before, update.After = &old, &next
	for range 2 {
		equal(t, f.changes(t), []domain.Change{update, c})
		for n, later := range [][]domain.Change{1: nil, 2: nil, 3: {update}} {
			if n == 0 {
				continue
			}
			made, first := c, version(n)
			if n == 3 {
				first = old
			}
			made.JobID, made.Version, made.After = jobID(n), 1, &first
			q := store.ChangeQuery{To: domain.Forever, Limit: 100, JobID: jobID(n)}
			equal(t, must(f.Store.Changes().List(t.Context(), q))(t), append(later, made))
			q.From = noon + 1
			equal(t, must(f.Store.Changes().List(t.Context(), q))(t), later)
			q.From, q.To, q.Limit = noon, noon, 1
			equal(t, must(f.Store.Changes().List(t.Context(), q))(t), []domain.Change{made})
			q.BeforeAt, q.BeforeNonce = c.At, c.Nonce
			equal(t, must(f.Store.Changes().List(t.Context(), q))(t), nil)
		}
		equal(t, must(f.Store.Changes().List(t.Context(), store.ChangeQuery{
			To: domain.Forever, Limit: 100, JobID: jobID(4),
		}))(t), nil)
		f.reopen(t)
	}
}

func changeOfKeys(t *testing.T, f *fixture) {
	k := apiKey(1)
	ctx, made := by(t, noon, 7)
	ok(t, f.Keys().Add(ctx, k))
	ok(t, f.Keys().Add(ctx, k))
	ctx, gone := by(t, noon, 8)
	ok(t, f.Keys().Revoke(ctx, k.ID, noon+hour, false))
	ok(t, f.Keys().Revoke(ctx, k.ID, noon+hour, false))
	k.RevokedAt = noon + hour
	made.Action, made.KeyID, made.Key = domain.ActionKeyCreate, k.ID, &k
	gone.Action, gone.KeyID, gone.Key = domain.ActionKeyRevoke, k.ID, &k
	equal(t, f.changes(t), []domain.Change{gone, made})
}

func changeOfNotices(t *testing.T, f *fixture) {
	g := groupOf(1)
	n := messageOf(g, 1, "ops")
	advance(t, f, store.NoticeStep{Groups: []domain.Group{g}, Made: []domain.Notification{n}})
	equal(t, f.changes(t), nil)
	_, first := by(t, noon, 7)
	first.Action, first.Detail = domain.ActionAcknowledge, g.ID.String()
	refused := g // it is there already
	wantCode(t, f.Notices().Advance(store.WithChange(t.Context(), first), store.NoticeStep{
		Groups: []domain.Group{refused}}), domain.CodeConflict)
	equal(t, f.changes(t), nil)
	g.Revision, g.State = 1, domain.GroupAcknowledged
	ok(t, f.Notices().Advance(store.WithChange(t.Context(), first), store.NoticeStep{Groups: []domain.Group{g}}))
	_, second := by(t, noon, 8)
	second.Action, second.Detail = domain.ActionResend, n.ID.String()
	unknown := messageOf(g, 9, "ops")
	wantCode(t, f.Notices().Mark(store.WithChange(t.Context(), second), unknown), domain.CodeNotFound)
	ok(t, f.Notices().Mark(store.WithChange(t.Context(), second), n))
	for range 2 {
		equal(t, f.changes(t), []domain.Change{second, first})
		f.reopen(t)
	}
}

func changeAdd(t *testing.T, f *fixture) {
	c := domain.Change{
		At: noon, Nonce: 1 << 40, Action: domain.ActionTrigger, JobID: jobID(1), Version: 3,
		Execution: domain.NewExecutionID(jobID(1), noon, 9),
		By:        domain.Author{Key: domain.AuthorLoopback, Address: "::1"},
		RequestID: "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
	}
	ok(t, f.Changes().Add(t.Context(), c))
	ok(t, f.Changes().Add(t.Context(), c))
	f.reopen(t)
	equal(t, f.changes(t), []domain.Change{c})

	again := domain.Change{
		At: noon, Nonce: 1<<40 + 1, Action: domain.ActionRefuse, By: c.By, Detail: "GET /keys", Count: 1, Times: 7,
		LastAt: noon + 9,
	}
	ok(t, f.Changes().Add(t.Context(), again))
	raised := again
	raised.Count, raised.Times, raised.LastAt, raised.Detail = 4, 8, noon+hour, "is not changed"
	ok(t, f.Changes().Add(t.Context(), raised))
	ok(t, f.Changes().Add(t.Context(), again)) // late
	raised.Detail = again.Detail
	for range 2 {
		equal(t, f.changes(t), []domain.Change{raised, c})
		f.reopen(t)
	}
}

func changePages(t *testing.T, f *fixture) {
	var all []domain.Change
	for i := range 9 { // three at an instant, of three jobs
		c := domain.Change{
			At: noon + int64(i/3)*minute, Nonce: int64(i + 1), Action: domain.ActionTrigger, JobID: jobID(1 + i%3),
			Version: 1, By: domain.Author{Key: domain.AuthorEnv}, RequestID: []string{"", "r-1", "r-2"}[i%3],
		}
		ok(t, f.Changes().Add(t.Context(), c))
		all = append([]domain.Change{c}, all...)
	}
	for _, tc := range []struct {
		q    store.ChangeQuery
		want []domain.Change
	}{
		{store.ChangeQuery{To: domain.Forever}, all},
		{store.ChangeQuery{From: noon + minute, To: noon + minute}, all[3:6]},
		{store.ChangeQuery{From: noon + minute, To: domain.Forever}, all[:6]},
		{store.ChangeQuery{To: noon - 1}, nil},
		{store.ChangeQuery{To: domain.Forever, JobID: jobID(2)}, []domain.Change{all[1], all[4], all[7]}},
		{store.ChangeQuery{To: noon, JobID: jobID(2)}, all[7:8]},
		{store.ChangeQuery{To: domain.Forever, RequestID: "r-2"}, []domain.Change{all[0], all[3], all[6]}},
		{store.ChangeQuery{From: noon + minute, To: domain.Forever, RequestID: "r-1"}, []domain.Change{all[1], all[4]}},
		{store.ChangeQuery{To: domain.Forever, RequestID: "r-"}, nil},
	} {
		for _, size := range []int{1, 2, 9, 50} {
			var got []domain.Change
			for tc.q.Limit = size; ; {
				part := must(f.Store.Changes().List(t.Context(), tc.q))(t)
				got = append(got, part...)
				if len(part) < size {
					break
				}
				tc.q.BeforeAt, tc.q.BeforeNonce = part[size-1].At, part[size-1].Nonce
			}
			tc.q.BeforeAt, tc.q.BeforeNonce = 0, 0
			equal(t, got, tc.want)
		}
	}
}

func changeExpire(t *testing.T, f *fixture) {
	setWatermark(t, f, noon+10*day)
	v1 := version(1)
	v2, v3 := edit(v1, midnight+minute, nil), edit(edit(v1, 0, nil), midnight+hour, nil)
	under := func(at int64) context.Context {
		ctx, _ := by(t, at, 7)
		return ctx
	}
	ok(t, f.Jobs().Create(under(noon), []domain.Version{v1}))
	ok(t, f.Jobs().Update(under(midnight+minute), v2))
	ok(t, f.Jobs().Update(under(midnight+hour), v3))
	ok(t, f.Keys().Add(under(noon+minute), apiKey(1)))
	ok(t, f.Keys().Revoke(under(noon+hour), apiKey(1).ID, noon+hour, false))
	want := f.changes(t)[:2]
	if want[1].Before == nil || want[1].Before.Number != 1 {
		t.Fatalf("before expiry: %+v", want[1])
	}
	f.expire(t, midnight, 0)
	for range 2 {
		equal(t, f.changes(t), want)
		f.reopen(t)
	}
	f.expire(t, midnight+2*day, 0)
	equal(t, f.changes(t), nil)
	f.addKey(t, func() domain.APIKey { k := apiKey(1); k.Name = "the id is free again"; return k }())
}
