package model

import "testing"

// clusterMutants are deliberate faults, each in the smallest world that shows it.
var clusterMutants = []struct {
	want string
	clusterScenario
}{
	{lost, clusterScenario{name: "no horizon: W passes a job that the owner has not heard of", last: 2,
		job: jobPlan{create: true, first: every(1, 2)}, clusterMutant: clusterMutant{noHorizon: true}}},
	{phantom, clusterScenario{name: "no horizon: the old version fires after the edit", last: 3,
		job: jobPlan{first: every(1, 2), edits: []version{every(3)}}, clusterMutant: clusterMutant{noHorizon: true}}},
	{twoWriters, clusterScenario{name: "a fence of the epoch alone, and a lost claim", last: 1, losses: 1,
		job: jobPlan{first: every(1)}, clusterMutant: clusterMutant{epochOnly: true}}},
	{lost, clusterScenario{name: "a beat does not compare what was lost", last: 2, losses: 1, lags: true,
		job: jobPlan{first: every(2), edits: []version{paused}}, clusterMutant: clusterMutant{noGuard: true}}},
	{lost, clusterScenario{name: "W does not wait for the beat that has loaded the revision", last: 2,
		job: jobPlan{create: true, first: every(1, 2)}, clusterMutant: clusterMutant{uncapped: true}}},
	{phantom, clusterScenario{name: "H is used before the edits are loaded", last: 3,
		job:           jobPlan{first: every(1, 2), edits: []version{every(3)}},
		clusterMutant: clusterMutant{useBeforeLoad: true}}},
	{lost, clusterScenario{name: "W moves before the facts are durable", last: 2, crashes: 1,
		job: jobPlan{first: every(1, 2)}, clusterMutant: clusterMutant{factsLater: true}}},
	{hidden, clusterScenario{name: "a decision of an owner that has lost the shard", last: 2,
		job: jobPlan{skip: true, first: every(1)}, clusterMutant: clusterMutant{decideUnfenced: true}}},
	{lost, clusterScenario{name: "a watermark of zero is taken for a new database", last: 2,
		job: jobPlan{create: true, first: every(1)}, clusterMutant: clusterMutant{zeroIsNew: true}}},
	{tooEarly, clusterScenario{name: "recovery takes facts of all shards for its own", last: 2, others: 2,
		job: jobPlan{first: every(1, 2)}, clusterMutant: clusterMutant{othersFacts: true}}},
	{duplicate, clusterScenario{name: "a successor takes over the open run of a process that lives",
		last: 2, releases: 1,
		job: jobPlan{first: every(1)}, clusterMutant: clusterMutant{runnerIgnored: true}}},
	{otherRunner, clusterScenario{name: "an open run replaces that of another process", last: 2,
		crashes: 1, longCalls: true,
		job: jobPlan{first: every(1)}, clusterMutant: clusterMutant{blindUpsert: true}}},
	{stopped, clusterScenario{name: "a pause is answered when it is stored", last: 2,
		job: jobPlan{first: every(1), edits: []version{paused}}, clusterMutant: clusterMutant{appliedUnwaited: true}}},
	{runsAway, clusterScenario{name: "H follows the clock of the database", last: 1, steps: 1, stepTo: 3,
		job: jobPlan{first: every(1)}, clusterMutant: clusterMutant{databaseAlone: true}}},
	{lost, clusterScenario{name: "facts are not inserted again after a failover", last: 1, losses: 1,
		job: jobPlan{first: every(1)}, clusterMutant: clusterMutant{ringOff: true}}},
	{duplicate, clusterScenario{name: "the shard is released before calls have open runs", last: 1, releases: 1,
		job: jobPlan{first: every(1)}, clusterMutant: clusterMutant{releaseFirst: true}}},
	{phantom, clusterScenario{name: "an owner that has lost the shard edits", last: 4, byOwner: true,
		job: jobPlan{first: every(4), edits: []version{every(1)}}, clusterMutant: clusterMutant{ownerUnfenced: true}}},
	{stopped, clusterScenario{name: "a shard is claimed while its horizon holds", last: 2,
		job: jobPlan{first: every(1), edits: []version{paused}}, clusterMutant: clusterMutant{claimEarly: true}}},
	{stopped, clusterScenario{name: "a node sends up to H, however old its beat is", last: 2,
		job: jobPlan{first: every(1), edits: []version{paused}}, clusterMutant: clusterMutant{noDeadline: true}}},
	{stopped, clusterScenario{name: "a pause is answered by the clock of the database alone", last: 2,
		steps: 1, stepTo: 3,
		job: jobPlan{first: every(1), edits: []version{paused}}, clusterMutant: clusterMutant{clockAnswers: true}}},
	{stuck, clusterScenario{name: "a node that has lost the shard keeps its open runs", last: 2,
		job: jobPlan{first: every(1)}, clusterMutant: clusterMutant{runnerKept: true}}},
	{phantom, clusterScenario{name: "a version begins before the one that it follows", last: 3,
		job:           jobPlan{first: every(1), edits: []version{paused, every(3)}},
		clusterMutant: clusterMutant{beforePause: true}}},
}

func TestClusterMutants(t *testing.T) {
	for _, m := range clusterMutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			p := &cluster{clusterScenario: m.clusterScenario}
			r := explore(p, mutantLimit)
			switch {
			case r.broken == nil:
				t.Fatalf("not found among %d states; it should break %q", r.states, m.want)
			case r.broken.kind != m.want:
				t.Errorf("it breaks %q, not %q: %s", r.broken.kind, m.want, r.broken.text)
			}
			t.Logf("%s, after %d states: %s\n%s", r.broken.kind, r.states, r.broken.text, p.table(r.path))
		})
	}
}

// TestClusterMutantsAreTheOnlyFault explores the world of each mutant without it.
func TestClusterMutantsAreTheOnlyFault(t *testing.T) {
	for _, m := range clusterMutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			m.clusterMutant = clusterMutant{}
			checkCluster(t, m.clusterScenario)
		})
	}
}
