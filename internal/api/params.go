package api

import (
	"fmt"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/danielgtaylor/huma/v2"
)

// Page sizes.
const (
	maxLimit        = 1000      // a larger limit is cut to it
	maxInteger      = 1<<53 - 1 // that every JSON reader has exactly
	defaultLimit    = 50
	defaultJobLimit = 5   // of the executions of one job: the contract's
	maxFilterLength = 200 // characters
	maxHostFilter   = 300 // characters: a name has 253 at most, and there are scheme and port
)

const (
	// pageBytes ends the page of a list: a thousand jobs of 2 KiB, or 30 of the largest that a
	// list shows.
	pageBytes = 2 << 20
	// maxShownBody is how many bytes the body of a job may have to be shown in a list and in the
	// trail. A page has up to 2,000 bodies, which may have 256 KiB each.
	maxShownBody = 4 << 10

	pageEnds = "A page ends before limit when it has about 2 MiB, or when enough was examined for one request, maybe " +
		"without an entry; nextCursor then leads to the rest."
)

// cutPage returns the page of what was found, which may be one more than the limit, and whether
// there is a next one. filled says that the store has ended at a bound of the query.
func cutPage[T any](found []T, limit int, filled bool) (page []T, next bool) {
	if len(found) > limit {
		return found[:limit], true
	}
	return found, filled && len(found) > 0
}

// The parameter types hold the text as it came: huma stores it, the handler
// parses it, and the Schema methods document it.
type (
	limitParam    string // of a list
	jobLimitParam string // of the executions of one job
	boolParam     string
	jobIDParam    string // of a list that may be narrowed to one job
)

func limitSchema(def int) *huma.Schema {
	lo, hi := 1.0, float64(maxInteger)
	return &huma.Schema{
		Type: "integer", Minimum: &lo, Maximum: &hi, Default: def, Examples: []any{def},
		Description: fmt.Sprintf("How many entries to answer at most. More than %d is %d.", maxLimit, maxLimit),
	}
}

// Schema implements huma.SchemaProvider.
func (limitParam) Schema(huma.Registry) *huma.Schema { return limitSchema(defaultLimit) }

// Schema implements huma.SchemaProvider.
func (jobLimitParam) Schema(huma.Registry) *huma.Schema { return limitSchema(defaultJobLimit) }

// Schema implements huma.SchemaProvider.
func (boolParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "boolean", Examples: []any{true}}
}

// Schema implements huma.SchemaProvider.
func (jobIDParam) Schema(huma.Registry) *huma.Schema {
	return &huma.Schema{Type: "string", Format: "uuid", Description: "Only executions of this job.",
		Examples: []any{"0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b"}}
}

// parse returns zero when the parameter is absent.
func (p jobIDParam) parse() (domain.JobID, error) {
	if p == "" {
		return domain.JobID{}, nil
	}
	return parseJobID("jobId", string(p))
}

func (p limitParam) parse() (int, error)    { return parseLimit(string(p), defaultLimit) }
func (p jobLimitParam) parse() (int, error) { return parseLimit(string(p), defaultJobLimit) }

func parseLimit(text string, def int) (int, error) {
	if text == "" {
		return def, nil
	}
	n, fault := wire.ParseInteger(strings.TrimSpace(text))
	if fault != "" || n < 1 || n > maxInteger {
		return 0, kindMalformed.fieldAs(domain.FieldRange, "limit", "must be a whole number of at least 1", text)
	}
	return int(min(n, maxLimit)), nil
}

// parse returns nil when the parameter is absent.
func (p boolParam) parse(name string) (*bool, error) {
	var yes bool
	switch strings.TrimSpace(string(p)) {
	case "":
		return nil, nil
	case "true":
		yes = true
	case "false":
	default:
		return nil, kindMalformed.fieldAs(domain.FieldChoice, name, "must be true or false", string(p))
	}
	return &yes, nil
}

// etag is a tag that names a version and nothing else.
func etag(version int) string { return `"` + strconv.Itoa(version) + `"` }

func parseJobID(name, text string) (domain.JobID, error) {
	id, err := domain.ParseJobID(strings.TrimSpace(text)) // a line break at the end is nobody's id
	return id, asParameter(name, err)
}

func parseExecutionID(text string) (domain.ExecutionID, error) {
	id, err := domain.ParseExecutionID(strings.TrimSpace(text))
	return id, asParameter("id", err)
}

// parseFilter checks free text of a query.
func parseFilter(name, text string) error {
	if utf8.RuneCountInString(text) > maxFilterLength {
		return kindMalformed.fieldAs(domain.FieldLength, name,
			fmt.Sprintf("must be at most %d characters", maxFilterLength), text)
	}
	return nil
}

// maxNodeName is how long the name of a server may be, as in the settings.
const maxNodeName = 200

func checkNodeName(name string) error {
	if utf8.RuneCountInString(name) > maxNodeName {
		return kindMalformed.fieldAs(domain.FieldLength, "name", "must have at most 200 characters", name)
	}
	return nil
}
