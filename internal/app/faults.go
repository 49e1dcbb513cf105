package app

import (
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/cluster"
	"github.com/belfry-scheduler/belfry/internal/domain"
)

// watermarkBehind is how far the watermark may be behind. A call that is under way holds it for 30 s at most.
const watermarkBehind = time.Minute

// currentFaults returns what is wrong with this server, and with the cluster that it is the first one of.
func currentFaults(a *App, clk clock.Clock) []alert.Fault {
	now, watermark := clock.NowMs(clk), a.engine.Watermark()
	var others *cluster.View
	if a.member.node != nil {
		others = a.member.node.View()
	}
	return faultsOf(a.engine.Health().Checks, watermark, others, now)
}

// faultsOf returns them. others is nil where there are none. A watermark of zero is not known.
func faultsOf(checks []domain.Check, watermark int64, others *cluster.View, now int64) (found []alert.Fault) {
	for _, c := range checks {
		if !c.OK && c.Name != "engine" { // it starts or stops
			found = append(found, alert.Fault{Subject: c.Name, Text: c.Detail})
		}
	}
	if others != nil {
		for i := range others.Nodes {
			if n := &others.Nodes[i]; n.Gone {
				found = append(found, alert.Fault{Subject: "node " + n.Name, Text: "it has had no beat for " +
					n.Age.Round(time.Second).String()})
			}
		}
		if n := others.Unowned(); n > 0 {
			found = append(found, alert.Fault{Subject: "shards", Text: fmt.Sprintf("%d have no owner", n)})
		}
		for i := range others.Shards {
			if w := others.Shards[i].Watermark; w != 0 && (watermark == 0 || w < watermark) {
				watermark = w
			}
		}
	}
	if behind := time.Duration(now-watermark) * time.Millisecond; watermark != 0 && behind > watermarkBehind {
		found = append(found, alert.Fault{Subject: "watermark", Text: "fires are on record up to " +
			behind.Round(time.Second).String() + " ago"})
	}
	return found
}
