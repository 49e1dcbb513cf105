package domain

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"golang.org/x/net/http/httpguts"
)

// reservedHeaders belong to the connection (RFC 9110, section 7.6.1), determine where a
// message ends or is sent, or are set by Belfry. The same applies to all headers that
// begin with one of the reservedPrefixes.
var (
	reservedHeaders = []string{
		"connection", "content-length", "expect", "host", "http2-settings", "idempotency-key",
		"keep-alive", "proxy", "te",
		"trailer", "transfer-encoding", "upgrade",
	}
	reservedPrefixes = []string{"belfry-", "proxy-", "webhook-"}
)

// reservedHeader reports whether a job may not set the header. An underscore counts as
// a hyphen: for programs behind a gateway interface (RFC 3875, section 4.1.18)
// Belfry_Job_Id and Belfry-Job-Id are the same variable.
func reservedHeader(name string) bool {
	name = strings.ReplaceAll(strings.ToLower(name), "_", "-")
	return slices.Contains(reservedHeaders, name) ||
		slices.ContainsFunc(reservedPrefixes, func(p string) bool { return strings.HasPrefix(name, p) })
}

func (s *Spec) checkHeaders(fe *fieldErrors) {
	fe.requireAs(FieldLength, len(s.Headers) <= MaxHeaders, "headers", headersRule, len(s.Headers))
	total := 0
	seen := make(map[string]bool, len(s.Headers))
	for _, name := range slices.Sorted(maps.Keys(s.Headers)) {
		value := s.Headers[name]
		total += len(name) + len(value)
		field, low := "headers."+name, strings.ToLower(name)
		switch {
		case !httpguts.ValidHeaderFieldName(name):
			fe.addAs(FieldFormat, "headers", "holds a name that is no header name", nameAlone(name))
		case reservedHeader(name):
			fe.addAs(FieldReserved, field, "is set by Belfry or belongs to the connection", nil)
		case !httpguts.ValidHeaderFieldValue(value):
			fe.addAs(FieldFormat, field, "must not hold line breaks or control characters", nil)
		case seen[low]:
			fe.addAs(FieldDuplicate, field, "is there twice, in different case", nil)
		}
		seen[low] = true
	}
	fe.requireAs(FieldLength, total <= MaxHeaderBytes, "headers", headerBytesRule, total)
	fe.requireAs(FieldLength, len(s.SecretNames) <= MaxHeaders, "secretHeaders", headersRule, len(s.SecretNames))
	for i, name := range s.SecretNames {
		fe.text(httpguts.ValidHeaderFieldName(name), name, MaxNameLength, fmt.Sprintf("secretHeaders[%d]", i),
			fmt.Sprintf("must be the name of a header, of at most %d bytes", MaxNameLength), nameAlone(name))
	}
}

// nameAlone cuts off everything after the name: a user who writes a whole header in
// place of its name has put its value there.
func nameAlone(name string) string {
	if i := strings.IndexAny(name, ": \t\r\n="); i >= 0 {
		return name[:i] + "..."
	}
	return name
}
