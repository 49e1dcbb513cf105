// Package alert tells people of alerts: which ones, together with which others, when, and until somebody has
// answered.
//
//	fact ──► alert ──► rule ──► group ──► notification ──► channel
//	        (store)   which     what has    a row for        a request, tried
//	                  ones      one cause   each channel     for a day
//
// # What it guarantees
//
//   - An alert that has changed has a mark in its row, which is written with the fact. The mark goes when
//     what follows from the change is stored: the group, and its messages. So a crash between a fact and its
//     message loses neither.
//   - What is computed again after a crash has the same ids, and an alert that a group has counted is not
//     counted again ([Fold]).
//   - A message is sent at least once. A receiver knows a repeat by its id.
//   - What is not true any more is not sent as news: a message that was not delivered is superseded by the
//     next one of its group, and a group that recovers before anybody knows of it is told as over, in one message.
//   - One channel does not wait for another one, nor a fire for any of them.
//
// # A group
//
//	 a failure             wait is over                    acknowledged
//	───────────► WAITING ─────────────► OPEN ◄──────────────────────────► ACKNOWLEDGED
//	               ▲  │  all recovered   │     worse                         │
//	               │  └───────────────►  ▼  ◄────────────────────────────────┘ all recovered
//	       fails   └──────────────── RECOVERED ───────────► CLOSED
//	       again                       │   ▲     quiet
//	                 fails once more   ▼   │ calm
//	                                 FLAPPING
//
// # Who does it
//
// A [Teller] runs in one of the processes of a database. Each second it reads the alerts that are marked and the
// groups whose time has come, decides, and keeps what follows in one transaction. Each channel has a [courier] of its
// own, which makes one attempt at a time.
//
// # How this is shown
//
// The decisions are pure functions with truth tables. The teller is tested on virtual time over a store that fails
// before and after its calls, while it is ended and begun again (TestNoAlertIsLost). In package e2e the binary is
// killed between a failure and its message.
//
// # Order of the files
//
// Each file uses only those before it:
//
//	fold.go decide.go backoff.go limit.go words.go
//	plain.go content.go sample.go template.go conditions.go delivery.go config.go repeat.go courier.go orphan.go
//	work.go groups.go stepping.go quiet.go judge.go step.go minute.go watch.go notrun.go subject.go round.go
//	measure.go teller.go
package alert
