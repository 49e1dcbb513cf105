package faulty_test

import (
	"context"
	"errors"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

func (r *recording) Edits() store.Edits { return recordingEdits{r} }
func (r *recording) Nodes() store.Nodes { return recordingNodes{r} }

type recordingEdits struct{ r *recording }

func (e recordingEdits) Create(context.Context, []domain.Version, int64) ([]store.Effect, error) {
	return make([]store.Effect, 7), e.r.note("Edits.Create")
}
func (e recordingEdits) Update(context.Context, domain.Version, int64) (store.Effect, error) {
	return store.Effect{At: 7}, e.r.note("Edits.Update")
}
func (e recordingEdits) Delete(context.Context, domain.JobID, int, int64) (store.Effect, error) {
	return store.Effect{At: 7}, e.r.note("Edits.Delete")
}
func (e recordingEdits) Changed(_ context.Context, _ int, _ int64, fn func(domain.Version) error) error {
	return errors.Join(fn(domain.Version{}), e.r.note("Edits.Changed"))
}

func (e recordingEdits) Unclaimed(_ context.Context, _ store.ShardSet, fn func(domain.OpenRun) error) error {
	return errors.Join(fn(domain.OpenRun{}), e.r.note("Edits.Unclaimed"))
}

type recordingNodes struct{ r *recording }

func (n recordingNodes) Seen(context.Context, store.Node) ([]store.Node, error) {
	return make([]store.Node, 7), n.r.note("Nodes.Seen")
}
func (n recordingNodes) Protocol(context.Context) (int, error) { return 7, n.r.note("Nodes.Protocol") }
func (n recordingNodes) RaiseProtocol(context.Context, int) error {
	return n.r.note("Nodes.RaiseProtocol")
}
func (n recordingNodes) Remove(context.Context, int64) error { return n.r.note("Nodes.Remove") }

type recordingShards struct{ r *recording }

func (s recordingShards) Count() int { return 7 }
func (s recordingShards) Claim(context.Context, int64, []store.Claim) ([]store.Shard, error) {
	return make([]store.Shard, 7), s.r.note("Shards.Claim")
}
func (s recordingShards) Beat(context.Context, []store.Beat, int64) ([]store.Shard, error) {
	return make([]store.Shard, 7), s.r.note("Shards.Beat")
}
func (s recordingShards) Release(context.Context, []store.Beat, int64) error {
	return s.r.note("Shards.Release")
}
func (s recordingShards) Peek(context.Context) ([]store.Shard, error) {
	return make([]store.Shard, 7), s.r.note("Shards.Peek")
}
func (s recordingShards) ResetWatermark(context.Context, int64) error {
	return s.r.note("Shards.ResetWatermark")
}
func (s recordingShards) ZoneRules(context.Context) ([]store.ZoneRules, error) {
	return make([]store.ZoneRules, 7), s.r.note("Shards.ZoneRules")
}
func (s recordingShards) AddZoneRules(context.Context, []store.ZoneRules) error {
	return s.r.note("Shards.AddZoneRules")
}

type recordingLedger struct{ r *recording }

func (l recordingLedger) Record(context.Context, store.Batch) error { return l.r.note("Ledger.Record") }
func (l recordingLedger) Facts(_ context.Context, _ store.ShardSet, _, _ int64, fn func(store.FactRange) error) error {
	return errors.Join(fn(store.FactRange{}), l.r.note("Ledger.Facts"))
}
func (l recordingLedger) Ranges(_ context.Context, _ store.ShardSet, _ int64, fn func(store.FactRange) error) error {
	return errors.Join(fn(store.FactRange{}), l.r.note("Ledger.Ranges"))
}
func (l recordingLedger) OpenRuns(_ context.Context, _ store.ShardSet, fn func(domain.OpenRun) error) error {
	return errors.Join(fn(domain.OpenRun{}), l.r.note("Ledger.OpenRuns"))
}
func (l recordingLedger) RunsOf(context.Context, []domain.FireKey) ([]domain.OpenRun, error) {
	return make([]domain.OpenRun, 7), l.r.note("Ledger.RunsOf")
}
func (l recordingLedger) SetAside(context.Context, []store.Aside) error {
	return l.r.note("Ledger.SetAside")
}
func (l recordingLedger) Asides(context.Context) ([]store.Aside, error) {
	return make([]store.Aside, 7), l.r.note("Ledger.Asides")
}
func (l recordingLedger) EndAside(context.Context, []store.Aside) error {
	return l.r.note("Ledger.EndAside")
}
