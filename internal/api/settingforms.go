package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"strconv"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// matcherBody selects jobs.
type matcherBody struct {
	Jobs      []string `json:"jobs,omitempty" nullable:"false" minItems:"1" maxItems:"50" doc:"Only these jobs."`
	Namespace string   `json:"namespace,omitempty" minLength:"1" maxLength:"63" pattern:"^[a-z0-9-]+$" doc:"Only jobs of this namespace." example:"billing"`
	Tag       string   `json:"tag,omitempty" minLength:"1" maxLength:"200" pattern:"\\S" doc:"Only jobs with this tag, exactly." example:"nightly"`
	Host      string   `json:"host,omitempty" minLength:"1" maxLength:"300" pattern:"\\S" doc:"Only jobs that call this host: a name, name:port, or a URL with scheme and name." example:"payments.example.com"`
}

func matcherBodyOf(m *domain.AlertMatcher) matcherBody {
	b := matcherBody{Namespace: m.Namespace, Tag: m.Tag, Host: m.Host}
	for _, id := range m.Jobs {
		b.Jobs = append(b.Jobs, id.String())
	}
	return b
}

// matcher reads a matcher; absent: of every job.
func (f *bulkFaults) matcher(raw json.RawMessage) (m domain.AlertMatcher) {
	if raw == nil {
		return m
	}
	object := f.members("match", raw, "jobs", "namespace", "tag", "host")
	texts := f.texts("match.jobs", object["jobs"])
	for i, text := range texts {
		id, err := domain.ParseJobID(text)
		if err != nil {
			f.add(domain.FieldFormat, fmt.Sprintf("match.jobs[%d]", i),
				"must be the id of a job, a UUID of 36 characters", text)
		}
		m.Jobs = append(m.Jobs, id)
	}
	if object["jobs"] != nil && m.Jobs == nil {
		m.Jobs = []domain.JobID{} // refused: it would be every job
	}
	m.Namespace = f.text("match.namespace", object["namespace"], maxFilterLength)
	m.Tag = f.text("match.tag", object["tag"], maxFilterLength)
	m.Host = f.text("match.host", object["host"], maxHostFilter)
	return m
}

// number reads a member that is a whole number; absent: zero.
func (f *bulkFaults) number(at string, raw json.RawMessage) int64 {
	if raw == nil {
		return 0
	}
	n, fault := wire.DecodeInteger(raw)
	if fault != "" {
		f.add(wire.CodeOfInstant(raw), at, fault, nil)
	}
	return n
}

// instant reads a member that is an instant; absent: zero.
func (f *bulkFaults) instant(at string, raw json.RawMessage) int64 {
	if raw == nil {
		return 0
	}
	ms, fault := wire.DecodeInstant(raw)
	if fault != "" {
		f.add(wire.CodeOfInstant(raw), at, fault, nil)
	}
	return ms
}

// err is about all wrong fields, those of a document that was read, too.
func (f *bulkFaults) err(valid error) error {
	if len(f.fields) == 0 {
		f.take("", valid)
	}
	if len(f.fields) == 0 {
		return nil
	}
	return &domain.Error{Code: domain.CodeInvalid, Fields: f.fields}
}

// settingForm is how the routes of rules, silences and windows read, check and store them.
type settingForm[T any] struct {
	kind    domain.AlertSettingKind
	decode  func(*domain.AlertSetting) (T, error)
	limitOf func(*T) string // the only namespace that it is about
}

var (
	ruleForm    = settingForm[domain.AlertRule]{domain.SettingRule, domain.DecodeAlertRule, limitOfRule}
	silenceForm = settingForm[domain.Silence]{domain.SettingSilence, domain.DecodeSilence,
		func(s *domain.Silence) string { return s.Limit }}
	windowForm = settingForm[domain.Maintenance]{domain.SettingWindow, domain.DecodeMaintenance,
		func(w *domain.Maintenance) string { return w.Limit }}
)

// limitOfRule returns the only namespace that a rule is about. A rule that is there without being made is everybody's,
// whoever stored one in its place.
func limitOfRule(r *domain.AlertRule) string {
	if _, everybodys := alert.BuiltInRule(r.ID); everybodys {
		return ""
	}
	return r.Limit
}

// list returns those that the caller may see, in the order of their ids. One that cannot be read says so: it is seen,
// replaced and deleted by callers who see all.
func (f *settingForm[T]) list(ctx context.Context, stored store.AlertSettings) (all []T, err error) {
	found, err := stored.AlertSettings(ctx, f.kind)
	if err != nil {
		return nil, store.Coded(err)
	}
	bytes := 0
	for i := range found {
		one, _ := f.decode(&found[i])
		if seesNamespace(ctx, f.limitOf(&one)) {
			bytes += sizeOfSetting + found[i].Size()
			all = append(all, one)
		}
	}
	fit(ctx, bytes)
	return all, nil
}

// sizeOfSetting is about what a setting takes in an answer beside its content.
const sizeOfSetting = 512

// get returns one that the caller may see, or CodeNotFound.
func (f *settingForm[T]) get(ctx context.Context, stored store.AlertSettings, id string) (one T, s domain.AlertSetting,
	err error) {
	if !domain.ValidAlertID(id) {
		return one, s, asParameter("id", domain.InvalidAs(domain.FieldFormat, "id", "must be 1 to "+
			strconv.Itoa(domain.MaxChannelID)+" lower-case letters, digits and hyphens", id))
	}
	if s, err = stored.AlertSetting(ctx, f.kind, id); err != nil {
		return one, s, store.Coded(err)
	}
	if one, _ = f.decode(&s); !seesNamespace(ctx, f.limitOf(&one)) {
		err = store.NoSetting(f.kind, id)
	}
	return one, s, err
}

// settingEdits change what is configured about alerts.
type settingEdits struct {
	stored  store.AlertSettings
	clock   clock.Clock
	trail   *trail
	maxBody int64
}

// settingTries is how often what has changed meanwhile is read again.
const settingTries = 5

// putSetting stores what a request says, in the place of what is there if there is something: build gets it, and now.
// It reports whether there was nothing.
func putSetting[T any](ctx context.Context, e *settingEdits, f *settingForm[T], r *http.Request, id string,
	build func(is *T, now int64) (domain.AlertSetting, error)) (kept T, status int, err error) {
	change := e.trail.changeBy(ctx, "")
	for range settingTries {
		kept, status, err = putOnce(ctx, e, f, r, id, change, build)
		if err == nil || domain.ErrorCode(err) != domain.CodeConflict {
			break // otherwise the condition is to be evaluated again
		}
	}
	return kept, status, err
}

func putOnce[T any](ctx context.Context, e *settingEdits, f *settingForm[T], r *http.Request, id string,
	change domain.Change, build func(is *T, now int64) (domain.AlertSetting, error)) (kept T, status int, err error) {
	status = http.StatusOK
	old, s, err := f.get(ctx, e.stored, id)
	is := &old
	if err != nil && domain.ErrorCode(err) == domain.CodeNotFound && s.Revision == 0 {
		is, err, status = nil, nil, http.StatusCreated
	}
	if err == nil {
		err = checkSetting(r, s.Revision)
	}
	if err != nil {
		return kept, 0, err
	}
	next, err := build(is, clock.NowMs(e.clock))
	if err != nil {
		return kept, 0, err
	}
	if next, err = e.stored.PutAlertSetting(ctx, next, change); err != nil {
		return kept, 0, store.Coded(err)
	}
	kept, err = f.decode(&next)
	return kept, status, err
}

// deleteSetting deletes what the caller may see.
func deleteSetting[T any](ctx context.Context, e *settingEdits, f *settingForm[T], r *http.Request, id string) error {
	_, s, err := f.get(ctx, e.stored, id)
	if err == nil {
		err = checkSetting(r, s.Revision)
	}
	if err != nil {
		return err
	}
	return store.Coded(e.stored.DeleteAlertSetting(ctx, f.kind, id, s.Revision, e.trail.changeBy(ctx, "")))
}

// answersSetting documents the answers of a route that makes or replaces what its answers show.
func answersSetting[B any](rt *router) map[string]*huma.Response {
	schema := rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[B](), true, "")
	content := map[string]*huma.MediaType{"application/json": {Schema: schema}}
	return map[string]*huma.Response{
		"200": {Description: "What there was is replaced.", Content: content},
		"201": {Description: "There was none.", Content: content},
	}
}

type deletedSettingOutput struct{ Body deletedSettingBody }

type deletedSettingBody struct {
	ID      string `json:"id" doc:"The id." example:"slow-payments"`
	Message string `json:"message" doc:"What was done, for people." example:"Rule deleted"`
}

// authorBody is who has made something.
func authorBody(a domain.Author) operationBy { return operationBy{cmp.Or(a.Key, "?"), a.Name} }
