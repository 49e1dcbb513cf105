package api

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
)

// JobFilter selects jobs in a list or an export: the parameters of every operation that selects
// jobs by what they are. Each of them is answered from an index (ADR 41).
type JobFilter struct {
	IsActive  boolParam `query:"isActive" doc:"Only jobs that are active (true) or paused (false)."`
	Failing   boolParam `query:"failing" doc:"Only jobs whose last executions have failed, with an open alert (true), or only the others (false)."`
	Namespace string    `query:"namespace" maxLength:"63" pattern:"^[a-z0-9-]+$" doc:"Only jobs of this namespace." example:"billing"`
	Key       string    `query:"key" maxLength:"128" pattern:"^[A-Za-z0-9][A-Za-z0-9._:-]*$" doc:"Only the job with this key, exactly: one in each namespace at most." example:"invoices-nightly"`
	Name      string    `query:"name" maxLength:"200" doc:"Only jobs with this name, exactly." example:"Sync invoices"`
	Tag       string    `query:"tag" maxLength:"200" doc:"Only jobs with this tag, exactly." example:"billing"`
	Host      string    `query:"host" maxLength:"300" doc:"Only jobs that call this host: a name, name:port, or a URL with scheme and name. A name alone is that of every scheme and port." example:"api.example.com"`
	Text      string    `query:"text" maxLength:"200" doc:"Only jobs whose name, api or id holds this text, in letters of any case." example:"invoice"`
}

// query returns what the filter selects of the jobs that the caller may see.
func (f *JobFilter) query(ctx context.Context) (q store.JobQuery, err error) {
	if q.Active, err = f.IsActive.parse("isActive"); err != nil {
		return q, err
	}
	if q.Failing, err = f.Failing.parse("failing"); err != nil {
		return q, err
	}
	err = errors.Join(parseFilter("name", f.Name), parseFilter("tag", f.Tag), parseFilter("text", f.Text))
	if err != nil {
		return q, err
	}
	// as fields are
	q.Name, q.Tag, q.Text = strings.TrimSpace(f.Name), strings.TrimSpace(f.Tag), strings.TrimSpace(f.Text)
	q.Namespace, q.Key = strings.TrimSpace(f.Namespace), strings.TrimSpace(f.Key)
	if q.Key != "" && !domain.ValidJobKey(q.Key) {
		return q, kindMalformed.fieldAs(domain.FieldFormat, "key", domain.JobKeyRule, f.Key)
	}
	if q.Namespace != "" && !domain.ValidNamespace(q.Namespace) {
		return q, kindMalformed.fieldAs(domain.FieldFormat, "namespace",
			"must be 1 to 63 small letters, digits and hyphens", f.Namespace)
	}
	if q.Host, err = parseHostFilter(f.Host); err != nil {
		return q, err
	}
	if only := visitorOf(ctx).namespace; only != "" {
		if q.Namespace != "" && q.Namespace != only {
			return q, kindRole.plain()
		}
		q.Namespace = only
	}
	return q, nil
}

func parseHostFilter(text string) (domain.HostFilter, error) {
	text = strings.TrimSpace(text)
	if utf8.RuneCountInString(text) > maxHostFilter {
		return domain.HostFilter{}, kindMalformed.fieldAs(domain.FieldLength, "host",
			fmt.Sprintf("must be at most %d characters", maxHostFilter), text)
	}
	host, err := domain.ParseHostFilter(text)
	return host, asParameter("host", err)
}
