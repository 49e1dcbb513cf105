// Package edit changes jobs: it makes, alters, pauses, resumes, deletes and triggers
// them, one at a time or a whole import.
//
// Two parties take part in a change. The [Owner] of the job fires it and decides from
// when on the change is valid; the store keeps it. An editor goes from one to the other:
//
//	caller              editor                    owner                store
//	  │ Update            │                         │                    │
//	  ├──────────────────►│ one edit of a job       │                    │
//	  │                   │ at a time               │                    │
//	  │                   ├─ the current version ───┼───────────────────►│
//	  │                   ├─ BeginUpdate ──────────►│ EffectiveFrom;     │
//	  │                   │                         │ sends nothing from │
//	  │                   │                         │ it on              │
//	  │                   ├─ commit ────────────────┼───────────────────►│
//	  │                   ├─ end(stored) ──────────►│ follows, or not    │
//	  │◄──────────────────┤                         │                    │
//
// # Without the owner
//
// The owner of a job may be another process, or there is none. Then the change is made straight in
// the store, which chooses from when on it is valid: a new or resumed job at once, a change that ends
// a version beyond anything that the owner may send by what it knows ([store.Edits]). The owner
// follows with its next beat. Who pauses or deletes a job gets the answer when the owner does, or
// certainly sends nothing any more. An execution that is triggered is on record when that is
// answered, and is sent when the owner has seen it. Documents of one creation are two commits then, of the jobs
// whose owner is here and of the others.
//
// A request that another process may have carried out already is made once: see [WithUncertain].
//
// # What it guarantees
//
//   - A change that was answered without an error is durable, and the owner follows it:
//     a job that was paused or deleted sends nothing new.
//   - A change that was refused has stored nothing.
//   - Where the store does not say what became of a commit, the caller is told so at
//     once. The owner holds the job until it is known: the commit is repeated, in the
//     background, until the store takes it or refuses it. Creations are undone instead:
//     the caller has no id for what it would get.
//   - A request with an Idempotency-Key is carried out at most once within 24 hours, however
//     often it comes, at the same time or after a crash: the record of the key is part of
//     the commit that makes something ([Once]). Its creations are not undone: the request
//     comes again, and gets the answer once the outcome is known.
//   - Changes of one job come one after the other; those of others do not wait.
//   - Whoever makes a change is in the audit trail with it, once, however often the
//     commit was repeated ([store.WithChange]).
//   - The end of a pause is noted once, by the owner of its job, as soon as there is one ([Resumer]). No fire depends
//     on it: those from the end on are fires of the version that is paused ([domain.Window]).
//   - Nothing goes on after [Editor.Stop]. The next start reads what the store has.
//
// Everything has a limit: a commit takes 15 s at most; 64 creations, and triggers with an
// Idempotency-Key, may be of unknown outcome; a chunk of an import has at most 2,000 jobs or
// 2 MiB.
//
// # How this is shown
//
// What an answer of the store tells is a pure function with a truth table
// (decideCommit, decideRead, decideFound, decideNone). The tests of package engine edit at every moment of a
// second, with stores that fail before and after a commit; those of this package do it
// with an owner that notes what it is told. Package sim edits at random.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	owner.go outcome.go locks.go background.go once.go without.go uncertain.go editor.go commit.go
//	create.go change.go pauses.go keyed.go import.go trigger.go
package edit
