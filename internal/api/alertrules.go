package api

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"reflect"
	"slices"

	"github.com/belfry-scheduler/belfry/internal/alert"
	"github.com/belfry-scheduler/belfry/internal/api/reference"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/danielgtaylor/huma/v2"
)

// ruleRoutes say of which alerts people are told.
type ruleRoutes struct {
	*settingEdits
	fixed []domain.Channel // of the settings of this server
}

func (h ruleRoutes) register(rt *router) {
	rt.huma.OpenAPI().Components.Schemas.Schema(reflect.TypeFor[alertRuleRequest](), true, "")
	register(rt, huma.Operation{
		OperationID: "list-alert-rules", Method: http.MethodGet, Path: "/alerts/rules", Tags: []string{"Alerts"},
		Summary: "List the rules of alerts",
		Description: "A rule says of which alerts people are told, by which channels, and when. Two are there " +
			"without being made: default tells of every final failure, and undeliverable of messages that did not " +
			"reach a channel, while no other rule is of the kind UNDELIVERABLE. A rule that is stored under such an " +
			"id takes its place. Keys of one namespace see the rules that they have made.",
	}, h.list, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "get-alert-rule", Method: http.MethodGet, Path: "/alerts/rules/{id}", Tags: []string{"Alerts"},
		Summary:     "Get a rule of alerts",
		Description: "The rules default and undeliverable are there without being made.",
	}, h.show, kindNotFound, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "put-alert-rule", Method: http.MethodPut, Path: "/alerts/rules/{id}", Tags: []string{"Alerts"},
		Summary: "Make or replace a rule of alerts",
		Description: "Fields that are absent have their default; of the rule undeliverable that of when is the kind " +
			"UNDELIVERABLE, and that of groupBy is JOB. A rule that is about another condition than before " +
			"closes the groups that it had, without a message. One that a key of a namespace makes is about jobs of " +
			"this namespace alone; such a key cannot make the rules default and undeliverable, which are everybody's.",
		RequestBody: reference.JSONBody("AlertRuleRequest"), MaxBodyBytes: h.maxBody,
		Responses: answersSetting[alertRuleBody](rt),
	}, h.put, kindInvalid, kindNotFound, kindConflict, kindStale, kindUnavailable)
	register(rt, huma.Operation{
		OperationID: "delete-alert-rule", Method: http.MethodDelete, Path: "/alerts/rules/{id}",
		Tags: []string{"Alerts"}, Summary: "Delete a rule of alerts",
		Description: "Its groups are closed without a message. Deleting the rule default or undeliverable restores " +
			"what it was.",
	}, h.remove, kindNotFound, kindConflict, kindStale, kindUnavailable)
}

// conditionBody is a domain.Condition.
type conditionBody struct {
	Kind        domain.ConditionKind `json:"kind" enum:"FAILURES,FAILED_OF_LAST,SUCCESS_RATE,DURATION,DRIFT,MISSED,SKIPPED,LOST,NOT_RUN,SERVER,UNDELIVERABLE" doc:"FAILURES: count executions in a row have failed for good. FAILED_OF_LAST: count of the last of executions. SUCCESS_RATE: fewer than percent of at least count executions in the window have succeeded; asked when one fails. DURATION, DRIFT: count executions in the window have taken, or were started, more than thresholdMs. MISSED, SKIPPED: count fires in the window were dropped by the policy of the job. LOST: an audit has found fires without a record. NOT_RUN: a fire was due longer than thresholdMs ago, and none was sent since. SERVER: a check of the servers fails for longer than thresholdMs, or a node has no beat. UNDELIVERABLE: the last message to a channel could not be delivered. The last two are about no jobs: match does not go with them." example:"FAILED_OF_LAST"`
	Count       int                  `json:"count,omitempty" minimum:"1" maximum:"1000" doc:"How many; absent: 1. Not with LOST, NOT_RUN, SERVER and UNDELIVERABLE." example:"3"`
	Of          int                  `json:"of,omitempty" minimum:"1" maximum:"100" doc:"With FAILED_OF_LAST: of how many." example:"10"`
	Percent     int                  `json:"percent,omitempty" minimum:"1" maximum:"100" doc:"With SUCCESS_RATE." example:"95"`
	ThresholdMs int64                `json:"thresholdMs,omitempty" minimum:"1" maximum:"86400000" doc:"With DURATION and DRIFT, milliseconds." example:"5000"`
	WindowMs    int64                `json:"windowMs,omitempty" minimum:"60000" maximum:"3600000" doc:"With SUCCESS_RATE, DURATION, DRIFT, MISSED and SKIPPED: until now, milliseconds; absent: an hour." example:"600000"`
}

// alertRuleRequest is the body of a request for a rule.
type alertRuleRequest struct {
	Name     string         `json:"name,omitempty" maxLength:"100" doc:"What people call it." example:"payments fail often"`
	Match    *matcherBody   `json:"match,omitempty" doc:"Which jobs it is about; absent: all."`
	When     *conditionBody `json:"when,omitempty" doc:"When people are told; absent: at the first failure."`
	Channels []string       `json:"channels,omitempty" nullable:"false" maxItems:"20" doc:"Ids of channels; absent or empty: those that are a default."`
	Level    domain.Level   `json:"level,omitempty" enum:"INFO,WARNING,CRITICAL" doc:"How bad it is; absent: CRITICAL." example:"WARNING"`
	GroupBy  domain.GroupBy `json:"groupBy,omitempty" enum:"HOST,NAMESPACE,JOB" doc:"Alerts of which people are told together; absent: HOST." example:"HOST"`
	WaitMs   int64          `json:"waitMs,omitempty" minimum:"0" maximum:"600000" doc:"From the first alert to the first message, milliseconds; absent: 10,000." example:"10000"`
	UpdateMs int64          `json:"updateMs,omitempty" minimum:"0" maximum:"2592000000" doc:"From a message to the next one that says that it is worse, milliseconds; absent: 300,000." example:"300000"`
	RepeatMs int64          `json:"repeatMs,omitempty" minimum:"0" maximum:"2592000000" doc:"From a message to one that says that it is still so, milliseconds; 0: never; absent: 14,400,000." example:"14400000"`
	Recovery *bool          `json:"recovery,omitempty" nullable:"false" doc:"Whether people are told that it is over; absent: true." example:"true"`
	Disabled bool           `json:"disabled,omitempty" doc:"Nobody is told by it." example:"false"`
}

type alertRuleBody struct {
	ID        string         `json:"id" doc:"The rule's id." example:"payments"`
	Name      string         `json:"name,omitempty" doc:"What people call it." example:"payments fail often"`
	Namespace string         `json:"namespace,omitempty" doc:"The only namespace that it is about; absent: all." example:"billing"`
	Match     matcherBody    `json:"match" doc:"Which jobs it is about."`
	When      conditionBody  `json:"when" doc:"When people are told."`
	Channels  []string       `json:"channels" nullable:"false" doc:"Ids of channels; empty: those that are a default."`
	Level     domain.Level   `json:"level" enum:"INFO,WARNING,CRITICAL" doc:"How bad it is." example:"WARNING"`
	GroupBy   domain.GroupBy `json:"groupBy" enum:"HOST,NAMESPACE,JOB" doc:"Alerts of which people are told together." example:"HOST"`
	WaitMs    int64          `json:"waitMs" doc:"From the first alert to the first message, milliseconds." example:"10000"`
	UpdateMs  int64          `json:"updateMs" doc:"From a message to the next one that says that it is worse, milliseconds." example:"300000"`
	RepeatMs  int64          `json:"repeatMs" doc:"From a message to one that says that it is still so, milliseconds; 0: never." example:"14400000"`
	Recovery  bool           `json:"recovery" doc:"Whether people are told that it is over." example:"true"`
	Disabled  bool           `json:"disabled" doc:"Nobody is told by it." example:"false"`
	BuiltIn   bool           `json:"builtIn" doc:"Whether it is there without being made." example:"false"`
	CreatedAt *int64         `json:"createdAt" format:"unix-ms" doc:"Unix milliseconds; null: it was not made." example:"1767225600000"`
	UpdatedAt *int64         `json:"updatedAt" format:"unix-ms" doc:"Unix milliseconds; null: it was not made." example:"1767225600000"`
	Error     string         `json:"error,omitempty" doc:"Why this server cannot read what is stored: nobody is told by it, and the other fields are not those of the rule. Absent: it can." example:"RULE payments cannot be read"`
}

func alertRuleBodyOf(r *domain.AlertRule) alertRuleBody {
	w := &r.When
	return alertRuleBody{
		ID: r.ID, Name: r.Name, Namespace: r.Limit, Match: matcherBodyOf(&r.Match),
		When:     conditionBody{w.Which(), w.Count, w.Of, w.Percent, w.ThresholdMs, w.WindowMs},
		Channels: append([]string{}, r.Channels...), Level: r.Level, GroupBy: r.By, WaitMs: r.Timing.WaitMs,
		UpdateMs: r.Timing.UpdateMs, RepeatMs: r.Timing.RepeatMs, Recovery: !r.Timing.NoRecovery, Disabled: r.Disabled,
		BuiltIn: r.Revision == 0, CreatedAt: unlessZero(r.CreatedAt), UpdatedAt: unlessZero(r.UpdatedAt),
		Error: r.Unread,
	}
}

type alertRulesOutput struct{ Body alertRulesBody }

type alertRulesBody struct {
	Rules []alertRuleBody `json:"rules" nullable:"false" doc:"The rules, by their ids."`
}

// rules returns those that the caller may see.
func (h ruleRoutes) rules(ctx context.Context) ([]domain.AlertRule, error) {
	rules, err := ruleForm.list(ctx, h.stored)
	if err == nil && seesNamespace(ctx, "") {
		rules = alert.WithBuiltIn(rules)
	}
	return rules, err
}

func (h ruleRoutes) list(ctx context.Context, _ *struct{}) (*alertRulesOutput, error) {
	rules, err := h.rules(ctx)
	if err != nil {
		return nil, err
	}
	out := &alertRulesOutput{alertRulesBody{Rules: []alertRuleBody{}}}
	for i := range rules {
		out.Body.Rules = append(out.Body.Rules, alertRuleBodyOf(&rules[i]))
	}
	return out, nil
}

type settingInput struct {
	request
	ID string `path:"id" maxLength:"64" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"The id." example:"payments"`
}

type settingChangeInput struct {
	request
	SettingCondition
	ID string `path:"id" maxLength:"64" pattern:"^[a-z0-9][a-z0-9-]*$" doc:"The id." example:"payments"`
}

type alertRuleOutput struct {
	ETag   string `header:"ETag" doc:"For If-Match; absent of a rule that was not made."`
	Status int
	Body   alertRuleBody
}

func (h ruleRoutes) show(ctx context.Context, in *settingInput) (*alertRuleOutput, error) {
	r, s, err := ruleForm.get(ctx, h.stored, in.ID)
	if domain.ErrorCode(err) == domain.CodeNotFound || err == nil && r.Limit != "" {
		builtIn, holds, failed := h.builtIn(ctx, in.ID)
		if holds {
			return &alertRuleOutput{Status: http.StatusOK, Body: alertRuleBodyOf(&builtIn)}, nil
		}
		err = cmp.Or(failed, err, store.NoSetting(domain.SettingRule, in.ID))
	}
	if err != nil {
		return nil, err
	}
	return &alertRuleOutput{settingTag(s.Revision), http.StatusOK, alertRuleBodyOf(&r)}, nil
}

// builtIn returns the rule of an id that is there without being made, if it holds and the caller may see it.
func (h ruleRoutes) builtIn(ctx context.Context, id string) (r domain.AlertRule, holds bool, err error) {
	if _, known := alert.BuiltInRule(id); !known {
		return r, false, nil
	}
	rules, err := h.rules(ctx)
	at := slices.IndexFunc(rules, func(r domain.AlertRule) bool { return r.ID == id && r.Revision == 0 })
	if err != nil || at < 0 {
		return r, false, err
	}
	return rules[at], true, nil
}

// own refuses a change of a rule that is everybody's by a caller who is confined to a namespace.
func (h ruleRoutes) own(ctx context.Context, id string) error {
	if _, everybodys := alert.BuiltInRule(id); everybodys && !seesNamespace(ctx, "") {
		return store.Coded(store.NoSetting(domain.SettingRule, id))
	}
	return nil
}

func (h ruleRoutes) put(ctx context.Context, in *settingChangeInput) (*alertRuleOutput, error) {
	if err := h.own(ctx, in.ID); err != nil {
		return nil, err
	}
	data, err := readBody(in.r)
	if err != nil {
		return nil, err
	}
	r, status, err := putSetting(ctx, h.settingEdits, &ruleForm, in.r, in.ID,
		func(is *domain.AlertRule, now int64) (domain.AlertSetting, error) {
			next, err := readRule(in.ID, data)
			if err != nil {
				return domain.AlertSetting{}, err
			}
			next.ID, next.Limit, next.CreatedAt, next.UpdatedAt = in.ID, visitorOf(ctx).namespace, now, now
			var known []string
			if is != nil {
				next.Revision, known = is.Revision, is.Channels
			}
			if is != nil && is.Unread == "" {
				next.Limit, next.CreatedAt = limitOfRule(is), is.CreatedAt
			}
			return next.Encode(), h.checkChannels(ctx, &next, known)
		})
	if err != nil {
		return nil, err
	}
	return &alertRuleOutput{settingTag(r.Revision), status, alertRuleBodyOf(&r)}, nil
}

// readRule reads the body of a request for a rule. What is absent is as in the rule of this id that is there without
// being made, or as in the default rule.
func readRule(id string, data []byte) (domain.AlertRule, error) {
	var f bulkFaults
	r, builtIn := alert.BuiltInRule(id)
	if !builtIn {
		r = domain.DefaultRule()
	}
	object := f.members("", data, "name", "match", "when", "channels", "level", "groupBy", "waitMs", "updateMs",
		"repeatMs", "recovery", "disabled")
	r.Name = f.text("name", object["name"], maxFilterLength)
	r.Match = f.matcher(object["match"])
	if object["when"] != nil {
		r.When = f.condition(object["when"])
	}
	r.Channels = f.texts("channels", object["channels"])
	setText(&f, "level", object["level"], &r.Level)
	setText(&f, "groupBy", object["groupBy"], &r.By)
	for name, into := range map[string]*int64{"waitMs": &r.Timing.WaitMs, "updateMs": &r.Timing.UpdateMs,
		"repeatMs": &r.Timing.RepeatMs} {
		if object[name] != nil {
			*into = f.number(name, object[name])
		}
	}
	if recovery := f.flag("recovery", object["recovery"]); recovery != nil {
		r.Timing.NoRecovery = !*recovery
	}
	if disabled := f.flag("disabled", object["disabled"]); disabled != nil {
		r.Disabled = *disabled
	}
	return r, f.err(r.Validate())
}

// checkChannels refuses a channel that is not there, or that the rule may not tell: nobody would be told. One of the
// settings of other servers stays where the rule names it already: known.
func (h ruleRoutes) checkChannels(ctx context.Context, r *domain.AlertRule, known []string) error {
	for i, id := range r.Channels {
		isFixed := func(c domain.Channel) bool { return c.ID == id }
		if alert.Fixed(id) && (slices.Contains(known, id) || slices.ContainsFunc(h.fixed, isFixed)) {
			continue
		}
		s, err := h.stored.AlertSetting(ctx, domain.SettingChannel, id)
		if err != nil && domain.ErrorCode(err) != domain.CodeNotFound {
			return store.Coded(err)
		}
		if c := channelOf(&s); err != nil || !r.MayTell(&c) {
			return domain.InvalidAs(domain.FieldNotFound, fmt.Sprintf("channels[%d]", i),
				"is not the id of a channel that this rule may tell: see GET /alerts/channels", id)
		}
	}
	return nil
}

// setText reads a member that is one of some words; which, is checked later.
func setText[S ~string](f *bulkFaults, at string, raw json.RawMessage, into *S) {
	if raw != nil {
		*into = S(f.text(at, raw, maxFilterLength))
	}
}

// condition reads a condition.
func (f *bulkFaults) condition(raw json.RawMessage) (c domain.Condition) {
	object := f.members("when", raw, "kind", "count", "of", "percent", "thresholdMs", "windowMs")
	if object != nil && object["kind"] == nil {
		f.add(domain.FieldRequired, "when", "must have a kind", nil)
	}
	setText(f, "when.kind", object["kind"], &c.Kind)
	number := func(name string) int64 {
		n := f.number("when."+name, object[name])
		if object[name] != nil && n == 0 {
			n = -1 // absent has a meaning of its own
		}
		return max(min(n, 1<<31), -1)
	}
	c.Count, c.Of, c.Percent = int(number("count")), int(number("of")), int(number("percent"))
	c.ThresholdMs, c.WindowMs = number("thresholdMs"), number("windowMs")
	return c
}

func (h ruleRoutes) remove(ctx context.Context, in *settingChangeInput) (*deletedSettingOutput, error) {
	if err := h.own(ctx, in.ID); err != nil {
		return nil, err
	}
	if err := deleteSetting(ctx, h.settingEdits, &ruleForm, in.r, in.ID); err != nil {
		return nil, err
	}
	return &deletedSettingOutput{deletedSettingBody{in.ID, "Rule deleted"}}, nil
}
