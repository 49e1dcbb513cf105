package bench

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/clock"
)

// clusterNodes is how many servers there are while servers end.
const clusterNodes = 3

// Cluster measures servers that share a PostgreSQL database.
func (b *Bench) Cluster(ctx context.Context, cfg ClusterConfig) (out Cluster, err error) {
	if b.env.cfg.Database == "" {
		return out, errors.New("a PostgreSQL server is needed: name it with --database")
	}
	for _, n := range cfg.Nodes {
		got, err := b.env.clusterLoad(ctx, n, &cfg)
		if err != nil {
			return out, err
		}
		b.env.say("%d servers, %d jobs each second: p99 %.0f ms, %.1f us CPU each, %.1f of the database", n, cfg.Rate,
			got.Lateness.P99, got.CPUMicros, got.DatabaseMicros)
		out.Loads = append(out.Loads, got)
	}
	if cfg.Kills > 0 || cfg.Down > 0 {
		err = b.env.clusterEnds(ctx, &cfg, &out)
	}
	return out, err
}

func (e *environment) clusterLoad(ctx context.Context, nodes int, cfg *ClusterConfig) (out ClusterLoad, err error) {
	w, err := e.world(ctx, worldConfig{nodes: nodes})
	if err != nil {
		return out, err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.balance(ctx, nodes); err != nil {
		return out, err
	}
	out.Nodes = nodes
	out.Burst, err = w.burst(ctx, burst{jobs: cfg.Rate, seconds: cfg.Seconds, path: "/ok"})
	return out, err
}

// shares counts the shards of each server that is there, with its name.
const shares = `
SELECT n.name, array_agg(s.number ORDER BY s.number) FILTER (WHERE s.number IS NOT NULL)
  FROM node n LEFT JOIN shard s ON s.node = n.token AND NOT s.clean
 WHERE NOT n.draining AND n.seen > extract(epoch FROM clock_timestamp()) * 1000 - 3000
 GROUP BY n.token, n.name`

// balanceTimeout is how long servers may take until each has its share.
const balanceTimeout = 2 * time.Minute

// balance waits until so many servers have fair shares of all shards.
func (w *world) balance(ctx context.Context, nodes int) error {
	conn, err := w.database.open(ctx)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx)) //nolint:errcheck // it was only read
	for begun := w.env.cfg.Clock.Mark(); w.env.cfg.Clock.Elapsed(begun) < balanceTimeout; {
		owned, err := shardsByNode(ctx, conn)
		if err != nil {
			return err
		}
		least, most, total := 1<<16, 0, 0
		for _, numbers := range owned {
			least, most, total = min(least, len(numbers)), max(most, len(numbers)), total+len(numbers)
		}
		if len(owned) == nodes && most-least <= 1 && total > 0 {
			return nil
		}
		if !clock.Wait(ctx, 200*time.Millisecond) {
			return ctx.Err()
		}
	}
	return fmt.Errorf("%d servers do not come to fair shares", nodes)
}

// shardsByNode returns the shards of each server by its name.
func shardsByNode(ctx context.Context, conn *pgx.Conn) (map[string][]int, error) {
	rows, err := conn.Query(ctx, shares)
	if err != nil {
		return nil, err
	}
	owned := make(map[string][]int)
	var name string
	var numbers []int
	_, err = pgx.ForEachRow(rows, []any{&name, &numbers}, func() error {
		owned[name], numbers = numbers, nil
		return nil
	})
	return owned, err
}

// clusterEnds ends servers of three, and cuts off their database, while jobs fire each second.
func (e *environment) clusterEnds(ctx context.Context, cfg *ClusterConfig, out *Cluster) (err error) {
	log := filepath.Join(e.folder, "ends.log")
	target, err := startReceiver(ctx, e.cfg.Binary, "--quiet", "--log", log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.stop()) }()
	w, err := e.world(ctx, worldConfig{nodes: clusterNodes})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	if err := w.balance(ctx, clusterNodes); err != nil {
		return err
	}
	first := clock.NowMs(e.cfg.Clock)/1000*1000 + 3_000
	err = w.importJobs(ctx, cfg.Jobs, client.Spec{Schedule: "* * * * * *", API: target.url + "/ok",
		Type: "ATLEAST_ONCE", StartAt: first})
	if err != nil {
		return err
	}
	r := endsRun{w: w, cfg: cfg, first: first}
	if err := r.run(ctx); err != nil {
		return err
	}
	if err := target.stop(); err != nil { // its log is whole then
		return err
	}
	return r.judge(log, out)
}

func (r *endsRun) run(ctx context.Context) error {
	for i := range 2 * r.cfg.Kills {
		if err := r.end(ctx, i%clusterNodes, i < r.cfg.Kills); err != nil {
			return err
		}
	}
	if r.cfg.Down > 0 {
		from := clock.NowMs(r.w.env.cfg.Clock)
		if err := r.w.database.away(ctx, r.cfg.Down); err != nil {
			return err
		}
		r.ends = append(r.ends, ClusterEnd{Kind: EndOfDatabase, at: from, back: clock.NowMs(r.w.env.cfg.Clock)})
		if !clock.Wait(ctx, r.cfg.Down+afterEnd) {
			return ctx.Err()
		}
	}
	r.last = clock.NowMs(r.w.env.cfg.Clock)/1000*1000 - 3_000
	return nil
}

// end ends one of the servers, watches what the others do, and starts it again.
func (r *endsRun) end(ctx context.Context, which int, kill bool) error {
	if err := r.w.balance(ctx, clusterNodes); err != nil {
		return err
	}
	conn, err := r.w.database.open(ctx)
	if err != nil {
		return err
	}
	owned, err := shardsByNode(ctx, conn)
	if err = errors.Join(err, conn.Close(ctx)); err != nil {
		return err
	}
	out := ClusterEnd{Kind: EndByStop, shards: owned[nodeName(which)], at: clock.NowMs(r.w.env.cfg.Clock)}
	server := r.w.servers()[which]
	if kill {
		out.Kind = EndByKill
		server.kill()
	} else if err := server.stop(); err != nil {
		return err
	}
	if !clock.Wait(ctx, afterEnd) {
		return ctx.Err()
	}
	r.ends = append(r.ends, out)
	again, err := r.w.startServer(ctx, "BELFRY_NODE_NAME="+nodeName(which))
	if err != nil {
		return err
	}
	if which == 0 {
		r.w.server = again
	} else {
		r.w.others[which-1] = again
	}
	return nil
}
