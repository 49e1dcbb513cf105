package client

import (
	"context"
	"net/http"
	"net/url"
)

// JobKey is the key of a job, which its client has chosen. Namespace empty: that of the API
// key, if it is confined to one, otherwise default.
type JobKey struct{ Namespace, Key string }

func (k JobKey) query() url.Values {
	if k.Namespace == "" {
		return nil
	}
	return url.Values{"namespace": {k.Namespace}}
}

func (k JobKey) path(more ...string) []string {
	return append([]string{"jobs", "by-key", k.Key}, more...)
}

// PutByKey creates the job with the key, or changes the fields of it that are set in spec.
// The same call can be made again. version as in [Jobs.Update]; it is that of a job that
// exists.
func (j *Jobs) PutByKey(ctx context.Context, k JobKey, version int, spec Spec) (Edit, error) {
	return j.putByKey(ctx, k, ifMatch(version), spec)
}

// CreateByKey creates the job with the key. If there is one, the problem has status 412.
func (j *Jobs) CreateByKey(ctx context.Context, k JobKey, spec Spec) (Edit, error) {
	return j.putByKey(ctx, k, http.Header{"If-None-Match": {"*"}}, spec)
}

func (j *Jobs) putByKey(ctx context.Context, k JobKey, condition http.Header, spec Spec) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodPut, path: k.path(), query: k.query(), header: condition,
	}, spec, &out)
	return out, err
}

// GetByKey reads the job with the key.
func (j *Jobs) GetByKey(ctx context.Context, k JobKey) (Job, error) {
	var out Job
	err := j.server.getJSON(ctx, &out, k.query(), k.path()...)
	return out, err
}

// DeleteByKey deletes the job with the key. version as in [Jobs.Delete].
func (j *Jobs) DeleteByKey(ctx context.Context, k JobKey, version int) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodDelete, path: k.path(), query: k.query(), header: ifMatch(version),
	}, nil, &out)
	return out, err
}

// TriggerByKey is [Jobs.Trigger] of the job with the key.
func (j *Jobs) TriggerByKey(ctx context.Context, k JobKey) (Triggered, error) {
	var out Triggered
	err := j.server.exchange(ctx, call{
		method: http.MethodPost, path: k.path("trigger"), query: k.query(), once: true,
	}, nil, &out)
	return out, err
}

// KeyedJob has more calls about the job with a key.
type KeyedJob struct {
	server *connection
	key    JobKey
}

// ByKey returns the calls about the job with the key.
func (j *Jobs) ByKey(k JobKey) *KeyedJob { return &KeyedJob{j.server, k} }

// Patch is [Jobs.Patch] of the job, which keeps its key.
func (j *KeyedJob) Patch(ctx context.Context, version int, patch Change) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodPatch, path: j.key.path(), query: j.key.query(), header: ifMatch(version),
		contentType: typePatch,
	}, patch, &out)
	return out, err
}

// Pause is [Jobs.Pause] of the job.
func (j *KeyedJob) Pause(ctx context.Context) (Edit, error) { return j.act(ctx, "pause") }

// Resume is [Jobs.Resume] of the job.
func (j *KeyedJob) Resume(ctx context.Context) (Edit, error) { return j.act(ctx, "resume") }

func (j *KeyedJob) act(ctx context.Context, verb string) (Edit, error) {
	var out Edit
	err := j.server.exchange(ctx, call{
		method: http.MethodPost, path: j.key.path(verb), query: j.key.query(),
	}, nil, &out)
	return out, err
}
