package api

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// changeRoutes answer who changed what.
type changeRoutes struct {
	changes store.Changes
	repeats *Repeats
}

func (h *changeRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-changes", Method: http.MethodGet, Path: "/audit/changes", Tags: []string{"Keys"},
		Summary: "List who changed what",
		Description: "Every job that was made, changed, deleted or triggered, every test call, every import and " +
			"every key, every export, every sign-in and sign-out, and what was refused because of a role or a " +
			"namespace, newest first, for as long as history is kept. The same export, sign-in or refused request " +
			"of a caller is one entry a UTC day, with times and lastAt. " +
			"An operation on many jobs is one entry beside those of its jobs, with operationId. An import is one " +
			"entry; with jobId, the import that has made the job is among the job's entries. " +
			"before and after are the job's versions with secrets masked; of a body of more than 4 KiB only the " +
			"length and the SHA-256 are shown. " + pageEnds + " For admins.",
	}, h.listChanges, kindUnavailable)
}

type changesInput struct {
	From  instantParam `query:"from" doc:"The first instant. Absent: all that is kept."`
	To    instantParam `query:"to" doc:"The last instant. Absent: now."`
	JobID string       `query:"jobId" format:"uuid" doc:"Only changes of this job." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`

	RequestID string `query:"requestId" maxLength:"128" doc:"Only what the request with this X-Request-Id asked for; not beside jobId." example:"AFVPZZIXTYADYZMJ3K4IZNFBW2"`

	OperationID string `query:"operationId" format:"uuid" doc:"Only what this operation on many jobs has done; not beside jobId or requestId." example:"0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80"`

	Limit  limitParam `query:"limit"`
	Cursor string     `query:"cursor" doc:"nextCursor of the page before; absent: the first page."`
}

type changesOutput struct{ Body changesBody }

type changesBody struct {
	Changes    []changeBody `json:"changes" nullable:"false" doc:"The page, newest first."`
	NextCursor string       `json:"nextCursor,omitempty" doc:"The cursor of the next page; absent on the last one."`
}

type changeBody struct {
	At          int64          `json:"at" format:"unix-ms" doc:"When it was asked for, Unix milliseconds." example:"1767225600000"`
	By          changeAuthor   `json:"by" doc:"Who did it."`
	Action      domain.Action  `json:"action" enum:"CREATE,UPDATE,DELETE,TRIGGER,TEST,IMPORT,BULK,CANCEL,EXPORT,REVEAL,REFUSE,KEY_CREATE,KEY_REVOKE,SIGN_IN,SIGN_OUT,NODE_DRAIN,NODE_RESUME,ALERT_ACKNOWLEDGE,NOTIFICATION_RESEND,SETTING_CREATE,SETTING_UPDATE,SETTING_DELETE,CHANNEL_TEST" doc:"What was done. Pausing and resuming are UPDATE. TEST is a test call. An import is one entry. BULK is an operation on many jobs, each of which has an entry of its own; CANCEL ends one. REVEAL is an export with secrets. REFUSE was not done: the role or the namespace of the key does not allow it. SIGN_IN and SIGN_OUT begin and end sessions of browsers. NODE_DRAIN and NODE_RESUME say which servers fire jobs. ALERT_ACKNOWLEDGE and NOTIFICATION_RESEND are about alerts. SETTING_CREATE and the others change a channel, a rule, a silence or a window of alerts, which detail names; CHANNEL_TEST sends a message to try a channel." example:"UPDATE"`
	JobID       *string        `json:"jobId" format:"uuid" doc:"The job; null: it is not about one." example:"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"`
	Version     *int           `json:"version" doc:"The job's version after it; of a DELETE the last one. null: it is not about a job." example:"2"`
	ExecutionID *string        `json:"executionId" format:"uuid" doc:"The execution that a TRIGGER started, or the id that the request of a TEST has had." example:"0192f0c1-4e20-8a4b-8c5d-6e7f80910a1b"`
	Count       *int64         `json:"count" doc:"How many jobs an IMPORT has made or a BULK has matched, or how many jobs or executions an EXPORT or a REVEAL has written, a broken one as far as it came." example:"100000"`
	Detail      string         `json:"detail,omitempty" doc:"What a BULK does, and with which jobs. What an EXPORT or a REVEAL has selected: jobs or executions, and the parameters or all. Of a REFUSE the method and the path. Of a TEST the method and the URL without its query. Of a setting of alerts its kind and its id. Of the others which server, group or message." example:"jobs namespace=billing"`
	Times       *int64         `json:"times,omitempty" doc:"How many requests an EXPORT, a REFUSE, a SIGN_IN, a SIGN_OUT or a CHANNEL_TEST stands for." example:"3"`
	LastAt      *int64         `json:"lastAt,omitempty" format:"unix-ms" doc:"When the last of these was, Unix milliseconds." example:"1767225600000"`
	RequestID   string         `json:"requestId,omitempty" doc:"The X-Request-Id of the request that asked for it; absent: not known." example:"AFVPZZIXTYADYZMJ3K4IZNFBW2"`
	OperationID *string        `json:"operationId,omitempty" format:"uuid" doc:"The operation on many jobs of a BULK and a CANCEL, and of a change that it has made." example:"0192f0c1-5a10-7c3d-9e21-3b4c5d6e7f80"`
	Key         *changedKey    `json:"key,omitempty" doc:"The key of KEY_CREATE and KEY_REVOKE."`
	Before      *maskedVersion `json:"before,omitempty" doc:"The job before an UPDATE or a DELETE."`
	After       *maskedVersion `json:"after,omitempty" doc:"The job after a CREATE or an UPDATE."`
}

type changeAuthor struct {
	Key     string `json:"key" doc:"The id of the API key; env: a key of the settings; loopback: no key was set and the caller was on this machine; anonymous: no key was set, as the operator wanted; oidc: and the subject at the provider: somebody who has signed in by OpenID Connect; server: Belfry itself, because a pause has ended." example:"k7x2mq4a"`
	Name    string `json:"name,omitempty" doc:"The name of the key, or of the person." example:"CI of team billing"`
	Address string `json:"address,omitempty" doc:"Where the request came from." example:"192.0.2.17"`
}

type changedKey struct {
	ID        string      `json:"id" doc:"The key's id." example:"k7x2mq4a"`
	Name      string      `json:"name,omitempty" doc:"Its name." example:"CI of team billing"`
	Role      domain.Role `json:"role,omitempty" enum:"admin,editor,viewer" doc:"What it might do." example:"editor"`
	Namespace string      `json:"namespace,omitempty" doc:"The only namespace that it saw; absent: all." example:"billing"`
	ExpiresAt *int64      `json:"expiresAt" format:"unix-ms" doc:"When it was to expire, Unix milliseconds; null: never." example:"1798761600000"`
}

type maskedVersion struct {
	IsActive bool        `json:"isActive" doc:"Whether the job fired." example:"true"`
	Spec     domain.Spec `json:"spec" doc:"What the job was, with secrets masked."`

	PausedReason string `json:"pausedReason,omitempty" doc:"Why it was paused." example:"The target is being moved"`
	PausedUntil  int64  `json:"pausedUntil,omitempty" format:"unix-ms" doc:"When it was to be active again by itself, Unix milliseconds; absent: once somebody resumes it." example:"1767232800000"`

	BodyBytes  int    `json:"bodyBytes,omitempty" doc:"The length of a body of more than 4 KiB, in whose place spec has a text." example:"250000"`
	BodySHA256 string `json:"bodySha256,omitempty" doc:"The SHA-256 of that body, as GET /jobs/{id} shows it, in hexadecimal digits." example:"9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"`
}

func maskedOf(v *domain.Version, hash string) *maskedVersion {
	if v == nil {
		return nil
	}
	shown := maskedVersion{IsActive: v.Active, Spec: v.Spec.Masked(), PausedReason: v.Pause.Reason,
		PausedUntil: v.Pause.Until}
	if n := v.BodyCut; n > 0 {
		shown.Spec.Body = json.RawMessage(fmt.Sprintf(`"(%d bytes)"`, n))
		shown.BodyBytes, shown.BodySHA256 = n, hash
	}
	return &shown
}

func changeBodyOf(c *domain.Change) changeBody {
	b := changeBody{
		At: c.At, By: changeAuthor{c.By.Key, c.By.Name, c.By.Address}, Action: c.Action,
		RequestID: c.RequestID, Version: unlessZero(c.Version), Before: maskedOf(c.Before, c.BodyBefore),
		After: maskedOf(c.After, c.BodyAfter), Detail: c.Detail, Times: unlessZero(c.Times),
		LastAt: unlessZero(c.LastAt),
	}
	if !c.JobID.IsZero() {
		id := c.JobID.String()
		b.JobID = &id
	}
	if c.Execution != (domain.ExecutionID{}) {
		id := c.Execution.String()
		b.ExecutionID = &id
	}
	if !c.Operation.IsZero() {
		id := c.Operation.String()
		b.OperationID = &id
	}
	switch c.Action {
	case domain.ActionImport, domain.ActionBulk, domain.ActionExport, domain.ActionReveal:
		b.Count = &c.Count
	case domain.ActionCreate, domain.ActionUpdate, domain.ActionDelete, domain.ActionTrigger, domain.ActionTest,
		domain.ActionRefuse,
		domain.ActionCancel, domain.ActionKeyCreate, domain.ActionKeyRevoke, domain.ActionSignIn, domain.ActionSignOut,
		domain.ActionNodeDrain, domain.ActionNodeResume, domain.ActionAcknowledge, domain.ActionResend,
		domain.ActionSettingCreate, domain.ActionSettingUpdate, domain.ActionSettingDelete, domain.ActionChannelTest:
	}
	if c.KeyID != "" {
		b.Key = &changedKey{ID: c.KeyID}
		if c.Key != nil {
			b.Key = &changedKey{c.KeyID, c.Key.Name, c.Key.Role, c.Key.Namespace, unlessZero(c.Key.ExpiresAt)}
		}
	}
	return b
}

func (in *changesInput) query() (q store.ChangeQuery, limit int, err error) {
	if limit, err = in.Limit.parse(); err != nil {
		return q, 0, err
	}
	if q.From, err = in.From.parse("from", 0); err != nil {
		return q, 0, err
	}
	if q.To, err = in.To.parse("to", domain.Forever); err != nil {
		return q, 0, err
	}
	if err = checkRange(q.From, q.To, in.To); err != nil {
		return q, 0, err
	}
	if in.JobID != "" {
		if q.JobID, err = parseJobID("jobId", in.JobID); err != nil {
			return q, 0, err
		}
	}
	if q.RequestID, err = in.requestID(); err != nil {
		return q, 0, err
	}
	if q.Operation, err = in.operationID(); err != nil {
		return q, 0, err
	}
	before, err := wire.ParseCursor(wire.CursorChanges, in.Cursor)
	q.BeforeAt, q.BeforeNonce = before.At, before.Nonce
	return q, limit, err
}

// requestID checks the id of a request. Both filters at a time would read all changes of one
// of them.
func (in *changesInput) requestID() (string, error) {
	id := strings.TrimSpace(in.RequestID)
	switch {
	case utf8.RuneCountInString(id) > front.MaxRequestID:
		return "", kindMalformed.fieldAs(domain.FieldLength, "requestId",
			fmt.Sprintf("must be at most %d characters", front.MaxRequestID), id)
	case id != "" && in.JobID != "":
		return "", kindMalformed.fieldAs(domain.FieldContradiction, "requestId",
			"must be absent beside jobId: ask by one of them", id)
	}
	return id, nil
}

// operationID checks the id of an operation, which there is no index of with another filter.
func (in *changesInput) operationID() (domain.OperationID, error) {
	text := strings.TrimSpace(in.OperationID)
	if text == "" {
		return domain.OperationID{}, nil
	}
	if in.JobID != "" || in.RequestID != "" {
		return domain.OperationID{}, kindMalformed.fieldAs(domain.FieldContradiction, "operationId",
			"must be absent beside jobId and requestId: ask by one of them", text)
	}
	id, err := domain.ParseOperationID(text)
	return id, asParameter("operationId", err)
}

func (h *changeRoutes) listChanges(ctx context.Context, in *changesInput) (*changesOutput, error) {
	q, limit, err := in.query()
	if err != nil {
		return nil, err
	}
	h.repeats.Flush(ctx)
	q.Limit, q.MaxBytes, q.MaxBody, q.HashBodies = limit+1, pageBytes, maxShownBody, true
	found, err := h.changes.List(ctx, q)
	if err != nil {
		return nil, store.Coded(err)
	}
	page, next := cutPage(found, limit, q.Filled(found))
	bytes := 0
	for i := range page {
		bytes += page[i].Size()
	}
	fit(ctx, bytes)
	out := &changesOutput{changesBody{Changes: make([]changeBody, 0, len(page))}}
	for i := range page {
		out.Body.Changes = append(out.Body.Changes, changeBodyOf(&page[i]))
	}
	if next {
		last := &page[len(page)-1]
		out.Body.NextCursor = wire.Cursor{List: wire.CursorChanges, At: last.At, Nonce: last.Nonce}.String()
	}
	return out, nil
}
