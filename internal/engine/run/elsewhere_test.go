package run

import (
	"testing"
	"time"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

func TestDecideElsewhere(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name string
		look Look
		want Finding
		loss Loss
	}{
		{"on record", Look{}, FoundEnded, 0},
		{"on record, whoever had it", Look{Self: true, Here: true, Named: true, Alive: true}, FoundEnded, 0},
		{"its process is there", Look{Open: true, Named: true, Alive: true}, FoundRunning, 0},
		{"in time", Look{Open: true, Named: true, Alive: true, Until: 9, Now: 9}, FoundRunning, 0},
		{"overdue", Look{Open: true, Named: true, Alive: true, Until: 9, Now: 10}, FoundLost, LossSilence},
		{"its process is gone", Look{Open: true, Named: true, Until: 9, Now: 5}, FoundLost, LossCrash},
		{"its process is gone, overdue", Look{Open: true, Named: true, Until: 9, Now: 10}, FoundLost, LossCrash},
		{"given up", Look{Open: true, Until: 9, Now: 5}, FoundLost, LossGivenUp},
		{"of this process", Look{Open: true, Named: true, Self: true, Here: true}, FoundRunning, 0},
		{"of this process, overdue", Look{Open: true, Named: true, Self: true, Here: true, Until: 9, Now: 10},
			FoundRunning, 0},
		{"of this process, and nowhere", Look{Open: true, Named: true, Self: true, Alive: true}, FoundLost,
			LossGivenUp},
	} {
		if got, loss := DecideElsewhere(c.look); got != c.want || loss != c.loss {
			t.Errorf("%s: %d, %d, want %d, %d", c.name, got, loss, c.want, c.loss)
		}
	}
}

// What is taken over keeps its attempts, and gets one whose outcome is not known if it was in flight.
func TestResume(t *testing.T) {
	t.Parallel()
	j := testJob(t, "* * * * * *", 0)
	before := make([]domain.Attempt, 1, 4)
	before[0] = domain.Attempt{Number: 1, StartedAt: 5_100, CompletedAt: 5_200, Error: "answered 503"}
	open := domain.OpenRun{FireKey: domain.FireKey{JobID: j.ID, ScheduledAt: 5_000, Nonce: 3}, Attempts: before,
		NextAt: 7_000, Crashes: 1}
	for _, c := range []struct {
		inFlight bool
		loss     Loss
		attempts int
		crashes  int
		text     string
	}{
		{false, LossCrash, 1, 1, "answered 503"}, {true, LossCrash, 2, 2, LostOutcome},
		{true, LossGivenUp, 2, 1, LostOutcome}, {true, LossSilence, 2, 1, LossSilence.text()},
	} {
		open.InFlight = c.inFlight
		r, what := Resume(j, j.Current, &open, c.loss, 9_000)
		last := r.Attempts[len(r.Attempts)-1]
		if what.Status != domain.StatusPending || len(r.Attempts) != c.attempts || r.Crashes != c.crashes ||
			last.Error != c.text || last.Number != c.attempts || r.StartedAt != 5_100 || r.RetryAt != 7_000 ||
			r.Key() != open.FireKey {
			t.Errorf("%+v: %+v, %+v", c, what, r)
		}
	}
	if before[:2][1] != (domain.Attempt{}) {
		t.Error("the attempts of the open run were written over")
	}
}

// Until its RunUntil a call has certainly ended, with the time that it may wait in this process's
// own lines, and time to record it.
func TestRunUntil(t *testing.T) {
	t.Parallel()
	for timeout, longest := range map[time.Duration]time.Duration{
		time.Second: 11 * time.Second, 30 * time.Second: 60 * time.Second, 10 * time.Minute: 20 * time.Minute,
	} {
		d := domain.NewSpecDoc()
		d.Schedule, d.Type, d.API = "* * * * * *", domain.AtLeastOnce, "http://a.test/"
		d.TimeoutMs = timeout.Milliseconds()
		ver, err := NewVersion(&domain.Version{Number: 1, EffectiveTo: domain.Forever, Active: true, Spec: d.Spec})
		if err != nil {
			t.Fatal(err)
		}
		r := &Run{Job: NewJob(domain.JobID{}, 0, 0), Ver: ver, At: 1_000}
		for _, at := range []struct{ next, now, begins int64 }{{5_000, 2_000, 5_000}, {5_000, 8_000, 8_000}} {
			got := r.OpenRun(at.next, true, at.now).RunUntil - at.begins
			least := (longest + timeout/1000 + runSlack).Milliseconds()
			if got < least || got > least+10_000 {
				t.Errorf("a timeout of %s: %d ms after it begins, want %d or a little more", timeout, got, least)
			}
		}
	}
}
