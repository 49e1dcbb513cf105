package api

import (
	"net/http"
	"strconv"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/danielgtaylor/huma/v2"
)

// The tag of what is configured about alerts is its revision, and conditions are as those of jobs: see
// precondition.go.

// settingTag returns the tag of a setting about alerts.
func settingTag(revision int64) string { return `"` + strconv.FormatInt(revision, 10) + `"` }

type (
	settingMatchParam     string
	settingNoneMatchParam string
)

// SettingCondition documents the headers of a change of a setting.
type SettingCondition struct {
	IfMatch     settingMatchParam     `header:"If-Match"`
	IfNoneMatch settingNoneMatchParam `header:"If-None-Match"`
}

// Schema implements huma.SchemaProvider.
func (settingMatchParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Examples: []any{`"12"`},
		Description: "Go on only if the ETag of the current revision is among these, or * for any. Otherwise 412.",
	}
}

// Schema implements huma.SchemaProvider.
func (settingNoneMatchParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{
		Type: "string", Examples: []any{`*`},
		Description: "Go on only if the current revision is not among these. *: only if there is none yet.",
	}
}

// checkSetting evaluates the condition of a request that changes a setting. A revision of zero: it is not there.
func checkSetting(r *http.Request, revision int64) error {
	w, err := conditionOf(r)
	if err != nil {
		return err
	}
	stale := func(header, rule string) error {
		return kindStale.fieldAs(domain.FieldStale, header, rule, strings.Join(r.Header.Values(header), ","))
	}
	there := revision != 0
	switch {
	case w.match.there && !there:
		return stale("If-Match", "must be absent: there is nothing that could match")
	case w.match.there && !w.match.names(int(revision), false):
		return stale("If-Match", "must name the current revision")
	case w.none.there && there && w.none.names(int(revision), true):
		return stale("If-None-Match", "must not name the current revision")
	}
	return nil
}
