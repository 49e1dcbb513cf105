package storetest

import (
	"context"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

var idempotencyCases = []testCase{
	{"a record is written with the jobs that its context makes, and names them", recordOfJobs},
	{"a record is written with the API key that its context makes", recordOfKey},
	{"a record is written with the setting that its context makes", recordOfSetting},
	{"records of triggers are written with their open runs", recordOfTriggers},
	{"what is refused, or has another record's key, leaves neither", recordConflict},
	{"Put keeps a refusal, once", recordOfRefusal},
	{"the record of an import goes on until it is done", recordOfImport},
	{"a record that is too old is not found, and gives way", recordTooOld},
	{"Expire deletes old records, and what records take is known", recordsExpire},
	{"Made knows deleted jobs too", madeJobs},
}

// record returns the record of request n at an instant.
func record(n byte, at int64) domain.IdempotencyRecord {
	return domain.IdempotencyRecord{
		Key: domain.NewIdempotencyKey("aaaaaa01", "billing", string(rune('a'+n))), Caller: "aaaaaa01",
		Fingerprint: domain.NewFingerprint([]byte{n}), At: at,
	}
}

// under returns a context in which a write keeps the record.
func under(t *testing.T, r domain.IdempotencyRecord) context.Context {
	return store.WithIdempotency(t.Context(), r)
}

// kept finds the record with the key of another one; nil: there is none.
func (f *fixture) kept(t *testing.T, r domain.IdempotencyRecord) *domain.IdempotencyRecord {
	t.Helper()
	found, _, err := f.Idempotency().Find(t.Context(), r.Key, r.Caller, r.At-day)
	ok(t, err)
	return found
}

func recordOfJobs(t *testing.T, f *fixture) {
	r := record(1, noon)
	equal(t, f.kept(t, r), nil)
	v := version(1)
	for range 2 {
		ok(t, f.Jobs().Create(under(t, r), []domain.Version{v, version(2)}))
	}
	want := r
	want.JobID, want.Version = v.JobID, &v
	for range 2 {
		equal(t, f.kept(t, r), &want)
		f.reopen(t)
	}
	f.update(t, edit(v, noon+minute, nil))
	ok(t, f.Jobs().Delete(t.Context(), v.JobID, 2, noon+hour))
	old := closed(v, noon+minute)
	want.Version = &old
	equal(t, f.kept(t, r), &want)
}

func recordOfKey(t *testing.T, f *fixture) {
	r, k := record(1, noon), apiKey(1)
	for range 2 {
		ok(t, f.Keys().Add(under(t, r), k))
	}
	want := r
	want.KeyID, want.APIKey = k.ID, &k
	for range 2 {
		equal(t, f.kept(t, r), &want)
		f.reopen(t)
	}
	ok(t, f.Keys().Revoke(t.Context(), k.ID, noon+hour, false))
	k.RevokedAt = noon + hour
	equal(t, f.kept(t, r), &want)
}

func recordOfSetting(t *testing.T, f *fixture) {
	r := record(1, noon)
	s := domain.AlertSetting{Kind: domain.SettingSilence, ID: r.SilenceID(), Body: []byte(`{"reason":"x"}`)}
	made := must(f.AlertSettings().PutAlertSetting(under(t, r), s, domain.Change{}))(t)
	for range 2 {
		equal(t, f.kept(t, r), &r)
		equal(t, must(f.AlertSettings().PutAlertSetting(under(t, r), s, domain.Change{}))(t), made)
		f.reopen(t)
	}
	again := r // by another server that has not seen the first one
	again.At += minute
	other := s
	other.ID = again.SilenceID()
	_, err := f.AlertSettings().PutAlertSetting(under(t, again), other, domain.Change{})
	wantCode(t, err, domain.CodeConflict)
	equal(t, must(f.AlertSettings().AlertSettings(t.Context(), domain.SettingSilence))(t), []domain.AlertSetting{made})
	next := record(2, noon)
	s.ID = "wrong id"
	_, err = f.AlertSettings().PutAlertSetting(under(t, next), s, domain.Change{})
	wantCode(t, err, domain.CodeInvalid)
	equal(t, f.kept(t, next), nil)
}

func recordOfTriggers(t *testing.T, f *fixture) {
	r := record(1, noon)
	run := openRun(1, noon)
	r.JobID, r.Execution = run.JobID, domain.NewExecutionID(run.JobID, run.ScheduledAt, run.Nonce)
	batch := store.Batch{Open: []domain.OpenRun{run}, Idempotency: []domain.IdempotencyRecord{r}}
	for range 2 {
		ok(t, f.Ledger().Record(t.Context(), batch))
	}
	other := r
	other.Execution[3]++
	ok(t, f.Ledger().Record(t.Context(), store.Batch{Idempotency: []domain.IdempotencyRecord{other}}))
	for range 2 {
		equal(t, f.kept(t, r), &r)
		equal(t, f.runs(t), []domain.OpenRun{run})
		f.reopen(t)
	}
}

func recordConflict(t *testing.T, f *fixture) {
	r := record(1, noon)
	f.create(t, version(1))
	other := version(1)
	other.Spec.Name = "another"
	wantCode(t, f.Jobs().Create(under(t, r), []domain.Version{other}), domain.CodeConflict)
	equal(t, f.kept(t, r), nil)

	ok(t, f.Jobs().Create(under(t, r), []domain.Version{version(2)}))
	again := r
	again.At += hour
	wantCode(t, f.Jobs().Create(under(t, again), []domain.Version{version(3)}), domain.CodeConflict)
	wantCode(t, f.Keys().Add(under(t, again), apiKey(1)), domain.CodeConflict)
	wantCode(t, f.Idempotency().Put(t.Context(), again), domain.CodeConflict)
	equal(t, f.keys(t), nil)
	equal(t, must(f.Idempotency().Made(t.Context(), []domain.JobID{jobID(2), jobID(3)}))(t), []bool{true, false})
	total, _, err := f.Jobs().Count(t.Context())
	ok(t, err)
	equal(t, total, int64(2))
}

func recordOfRefusal(t *testing.T, f *fixture) {
	r := record(1, noon)
	r.Status, r.Refusal = 422, []byte(`{"title":"ä"}`)
	for range 2 {
		ok(t, f.Idempotency().Put(t.Context(), r))
	}
	for range 2 {
		equal(t, f.kept(t, r), &r)
		f.reopen(t)
	}
	other := r
	other.Refusal = []byte(`{}`)
	wantCode(t, f.Idempotency().Put(t.Context(), other), domain.CodeConflict)
}

func recordOfImport(t *testing.T, f *fixture) {
	state := func(items int, digest byte, done bool) domain.IdempotencyRecord {
		r := record(1, noon)
		r.Import = domain.ImportState{Items: items, Digest: domain.NewFingerprint([]byte{digest}), Done: done}
		return r
	}
	first, second, last := state(2, 2, false), state(5, 5, false), state(5, 5, true)
	ok(t, f.Jobs().Create(under(t, first), []domain.Version{version(1), version(2)}))
	equal(t, f.kept(t, first), &first)
	for _, step := range []domain.IdempotencyRecord{second, first, second} { // a repeat does not go back
		ok(t, f.Jobs().Create(under(t, step), []domain.Version{version(1 + step.Import.Items)}))
	}
	equal(t, f.kept(t, first), &second)
	for _, step := range []domain.IdempotencyRecord{last, second, state(9, 9, true)} {
		ok(t, f.Idempotency().Put(t.Context(), step))
		equal(t, f.kept(t, first), &last)
		f.reopen(t)
	}
}

func recordTooOld(t *testing.T, f *fixture) {
	r := record(1, noon)
	ok(t, f.Jobs().Create(under(t, r), []domain.Version{version(1)}))
	found, _, err := f.Idempotency().Find(t.Context(), r.Key, r.Caller, noon)
	ok(t, err)
	if found != nil {
		t.Errorf("found %+v, which was made at the instant itself", found)
	}
	next := record(1, noon+day)
	v := version(2)
	ok(t, f.Jobs().Create(under(t, next), []domain.Version{v}))
	next.JobID, next.Version = v.JobID, &v
	equal(t, f.kept(t, next), &next)
	_, use, err := f.Idempotency().Find(t.Context(), record(9, noon).Key, r.Caller, 0)
	ok(t, err)
	equal(t, use, domain.IdempotencyUse{Caller: next.Bytes(), All: next.Bytes()})
}

func recordsExpire(t *testing.T, f *fixture) {
	const n = 2_100 // more than one piece
	mine, other := record(0, noon), record(1, noon+1)
	other.Caller, other.Status, other.Refusal = domain.AuthorEnv, 404, []byte("twelve bytes")
	ok(t, f.Idempotency().Put(t.Context(), other))
	batch := store.Batch{Idempotency: make([]domain.IdempotencyRecord, n)}
	for i := range batch.Idempotency {
		batch.Idempotency[i] = mine
		copy(batch.Idempotency[i].Key[:], []byte{byte(i), byte(i >> 8)})
	}
	ok(t, f.Ledger().Record(t.Context(), batch))
	use := func(caller string) domain.IdempotencyUse {
		_, use, err := f.Idempotency().Find(t.Context(), domain.IdempotencyKey{}, caller, 0)
		ok(t, err)
		return use
	}
	const of = domain.IdempotencyRecordBytes
	equal(t, use(mine.Caller), domain.IdempotencyUse{Caller: n * of, All: (n+1)*of + 12})
	equal(t, use(domain.AuthorEnv), domain.IdempotencyUse{Caller: of + 12, All: (n+1)*of + 12})
	equal(t, must(f.Idempotency().Expire(t.Context(), noon-1))(t), 0)
	equal(t, must(f.Idempotency().Expire(t.Context(), noon))(t), n)
	f.reopen(t)
	equal(t, use(mine.Caller), domain.IdempotencyUse{All: of + 12})
	equal(t, f.kept(t, other), &other)
	equal(t, must(f.Idempotency().Expire(t.Context(), noon+1))(t), 1)
	equal(t, use(domain.AuthorEnv), domain.IdempotencyUse{})
}

func madeJobs(t *testing.T, f *fixture) {
	f.create(t, version(1), version(2))
	ok(t, f.Jobs().Delete(t.Context(), jobID(2), 1, noon+hour))
	equal(t, must(f.Idempotency().Made(t.Context(), []domain.JobID{jobID(1), jobID(2), jobID(3)}))(t),
		[]bool{true, true, false})
}
