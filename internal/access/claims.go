package access

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// maxGrants bounds a list of grants.
const maxGrants = 64

// Grant is what somebody may do of whom a provider of OpenID Connect says something.
//
//	groups=belfry-admins:admin
//	groups=billing:editor:billing
//	email=ann@example.com:viewer
type Grant struct {
	Claim, Value string // the claim has the value, or a list of texts with it
	Role         domain.Role
	Namespace    string // the only one that he sees; empty: all
}

// ParseGrants reads grants of the form CLAIM=VALUE:ROLE or CLAIM=VALUE:ROLE:NAMESPACE. The value may
// have colons: what follows the last one that is before a role counts.
func ParseGrants(texts []string) ([]Grant, error) {
	if len(texts) > maxGrants {
		return nil, fmt.Errorf("there are %d grants: at most %d", len(texts), maxGrants)
	}
	grants := make([]Grant, 0, len(texts))
	for _, text := range texts {
		g, err := parseGrant(text)
		if err != nil {
			return nil, fmt.Errorf("%q %w", text, err)
		}
		if slices.ContainsFunc(grants, func(o Grant) bool { return o.Claim == g.Claim && o.Value == g.Value }) {
			return nil, fmt.Errorf("%q is about a value that another grant is about: the first one would count", text)
		}
		grants = append(grants, g)
	}
	return grants, nil
}

func parseGrant(text string) (g Grant, err error) {
	claim, rest, found := strings.Cut(text, "=")
	parts := strings.Split(rest, ":")
	if !found || claim == "" || strings.TrimSpace(claim) != claim || len(parts) < 2 {
		return g, errors.New("must be CLAIM=VALUE:ROLE or CLAIM=VALUE:ROLE:NAMESPACE")
	}
	isRole := func(s string) bool { return domain.Role(s).Covers(domain.RoleViewer) }
	last := len(parts) - 1
	switch {
	case isRole(parts[last]):
		g.Role = domain.Role(parts[last])
	case last >= 2 && isRole(parts[last-1]):
		last--
		g.Role, g.Namespace = domain.Role(parts[last]), parts[last+1]
		if !domain.ValidNamespace(g.Namespace) {
			return g, errors.New("must end with the name of a namespace")
		}
	default:
		return g, errors.New("must name the role admin, editor or viewer")
	}
	g.Claim, g.Value = claim, strings.Join(parts[:last], ":")
	switch {
	case g.Value == "" || strings.TrimSpace(g.Value) != g.Value:
		return g, errors.New("must name a value")
	case g.Role == domain.RoleAdmin && g.Namespace != "":
		return g, errors.New("must not name a namespace: an admin is confined to none")
	}
	return g, nil
}

// Grants returns the first grant that the claims of a user meet, or false: then he may do nothing.
// Values are compared byte by byte. An email counts only if the provider says that it was verified.
func Grants(grants []Grant, claims map[string]any) (Grant, bool) {
	for _, g := range grants {
		verified, _ := claims["email_verified"].(bool)
		if has(claims[g.Claim], g.Value) && (verified || g.Claim != "email") {
			return g, true
		}
	}
	return Grant{}, false
}

// has reports whether a claim is a text, or a list with it.
func has(claim any, value string) bool {
	switch c := claim.(type) {
	case string:
		return c == value
	case []any:
		return slices.ContainsFunc(c, func(e any) bool { return e == any(value) })
	}
	return false
}
