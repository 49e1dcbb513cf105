package api

import (
	"cmp"
	"context"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
	"time"

	"github.com/belfry-scheduler/belfry/internal/access"
	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/front"
	"github.com/belfry-scheduler/belfry/internal/telemetry"
)

// openPaths are for probes that hold no key. They tell only whether the
// process lives and is ready.
var openPaths = map[string]bool{"/healthz": true, "/readyz": true}

// guard decides who may come in.
//
// With keys: whoever holds one, or a session that has begun with one, as far as its role goes. Without, the server is
// bound to loopback and every program on the machine may come in, with two exceptions.
// A proxy asks for somebody who is elsewhere: see [senderOf]. And a browser runs other
// people's code. Two checks keep that out. The Host header must be a loopback name or
// address, because a page can point its own name at 127.0.0.1 (DNS rebinding);
// probes, which name what they like, learn nothing worth keeping from a page.
// And a change that comes from another origin is refused, by Sec-Fetch-Site or
// Origin, which a page cannot set. No page reaches a unix socket.
//
// A refusal never says why: the same answer for every key that does not open.
type guard struct {
	keys     *access.Keyring
	sessions *access.Sessions
	open     bool             // without a key everybody may come in: the operator has said so
	failures *access.Throttle // wrong keys
	refusals *access.Throttle // sign-ins by a provider that were refused
	clock    clock.Clock
	log      *slog.Logger
	told     logGate
	origin   *http.CrossOriginProtection
	page     bool // there is a dashboard, whose files need no key
	signIns  SignIns
	metrics  *telemetry.Metrics
}

func newGuard(c *Config) *guard {
	return &guard{keys: c.Keys, sessions: c.Sessions, signIns: c.SignIns, open: c.Open,
		failures: access.NewThrottle(c.Clock), refusals: access.NewThrottle(c.Clock),
		clock: c.Clock, told: logGate{at: map[string]int64{}}, log: c.Log, metrics: c.Metrics,
		origin: http.NewCrossOriginProtection()}
}

// refused counts a refusal.
func (g *guard) refused(p *Problem) *Problem {
	g.metrics.Refused.WithLabelValues(p.Code).Inc()
	return p
}

// admits returns who the caller is, with the session if he has one, or the refusal.
func (g *guard) admits(r *http.Request) (access.Session, *Problem) {
	keyless, from := g.keys.Empty(), elsewhere
	if keyless {
		from = senderOf(r)
	}
	if from == behindProxy && !g.open && !openPaths[r.URL.Path] {
		return access.Session{}, kindForwarded.problem("A proxy has forwarded the request (%s), and no API key is "+
			"set: create one on the machine of the server with `belfry keys create NAME --role admin`, or set "+
			"BELFRY_API_KEYS. BELFRY_TRUSTED_PROXIES names the proxies that say where requests come from.",
			cmp.Or(front.ForwardedBy(r), "PROXY protocol"))
	}
	if from.onLoopback() && !openPaths[r.URL.Path] && !front.LoopbackHost(r.Host) && !fromNoBrowser(r) {
		return access.Session{}, kindMisdirected.fieldAs(domain.FieldUnsupported, "Host",
			"must be localhost or a loopback address while no API key is set", r.Host)
	}
	if g.origin.Check(r) != nil {
		return access.Session{}, kindForbidden.problem("A page of another origin may not change anything here.")
	}
	switch {
	case openPaths[r.URL.Path], g.page && asksForUI(r):
		return callerOf(access.Caller{Role: domain.RoleViewer}), nil
	case signsIn(r): // the route asks for the key, or the provider who it is
		return access.Session{}, nil
	case keyless && (from == onMachine || from == onSocket):
		return callerOf(access.Caller{Key: domain.AuthorLoopback, Role: domain.RoleAdmin}), nil
	case keyless && g.open:
		// No admin: a stranger could make the first key and lock the operator out.
		return within(callerOf(access.Caller{Key: domain.AuthorAnonymous, Role: domain.RoleEditor}), r)
	}
	found, refusal := g.identify(r)
	if refusal != nil {
		return found, refusal
	}
	if wait := found.Caller.Wait(g.clock.Now()); wait > 0 {
		return found, kindRate.plain().throttled(ofKey(g.keys.Rate), wait)
	}
	return within(found, r)
}

// callerOf returns somebody without a session.
func callerOf(c access.Caller) access.Session { return access.Session{Caller: c} }

// signsIn reports whether a request is one that begins a session: with a key, or by the word of a provider.
func signsIn(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == sessionPath ||
		r.Method == http.MethodGet && (r.URL.Path == oidcPath || r.URL.Path == callbackPath)
}

// identify returns who has made a request, by the key or else by the session that it has. The key
// goes first, so that a program which keeps cookies by accident is who its key says.
func (g *guard) identify(r *http.Request) (access.Session, *Problem) {
	text, there := sessionText(r)
	if len(r.Header["Authorization"]) > 0 || !there || !cookieCounts(r) {
		caller, refusal := g.checkKey(r)
		return callerOf(caller), refusal
	}
	found, ok := g.sessions.Find(text)
	switch {
	case !ok: // no guess: a session that has ended looks the same
		return found, g.noKey(`Bearer realm="belfry"`)
	case !reads(r.Method) && !provenOrigin(r):
		return access.Session{}, kindForbidden.problem("A change that is made with a session must come from a page " +
			"of this server, which browsers say by Sec-Fetch-Site or Origin. Programs send Authorization: Bearer KEY.")
	}
	return found, nil
}

// within refuses what the caller's role or namespace does not allow.
func within(found access.Session, r *http.Request) (access.Session, *Problem) {
	caller := &found.Caller
	if !caller.Role.Covers(needs(r.Method, r.URL.Path)) || caller.Namespace != "" && tellsOfAll(r.URL.Path) {
		return found, kindRole.plain()
	}
	return found, nil
}

// checkKey looks up the key that a request has.
func (g *guard) checkKey(r *http.Request) (access.Caller, *Problem) {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	token = strings.TrimSpace(token)
	if !strings.EqualFold(scheme, "Bearer") || token == "" { // no guess, so it is not counted
		return access.Caller{}, g.noKey(`Bearer realm="belfry"`)
	}
	return g.tryKey(r, token)
}

// tryKey looks a key up. An address that has sent too many wrong keys must wait for
// its next wrong one. A right key is accepted all the same: its holder must not be locked
// out by others behind the same address, such as all clients of a proxy. Only a key that
// is short enough to be guessed has to wait too: otherwise the address could keep guessing.
func (g *guard) tryKey(r *http.Request, token string) (access.Caller, *Problem) {
	from := addressOf(r)
	caller, ok := g.keys.Find(token)
	if ok && !caller.Guessable {
		return caller, nil
	}
	wait := g.failures.Wait(from)
	if !ok {
		wait = g.failures.Failed(from)
		g.warn(r, from)
	}
	switch {
	case wait > 0:
		return access.Caller{}, kindGuessing.plain().throttled(wrongKeys, wait)
	case !ok:
		return caller, g.noKey(`Bearer realm="belfry", error="invalid_token"`)
	}
	return caller, nil
}

// noKey refuses a request without a key that opens, and says how one signs in.
func (g *guard) noKey(challenge string) *Problem {
	p := kindUnknownKey.plain().with("WWW-Authenticate", challenge)
	p.SignIn = g.signIn()
	return p
}

// signIn says how one signs in.
func (g *guard) signIn() *signInBody {
	ways := &signInBody{Key: !g.keys.Empty()}
	if g.signIns.RelyingParty != nil {
		ways.OIDC = &signInOIDC{g.signIns.Name, g.signIns.PublicURL + oidcPath}
	}
	return ways
}

// warnEvery is how often what strangers bring about is told in the log, at most: they must not fill the disk.
const warnEvery = time.Minute

// logGate lets each kind of line into the log once in warnEvery. The kinds are few.
type logGate struct {
	mu sync.Mutex
	at map[string]int64 // Unix milliseconds of the last one
}

// opens reports whether a line of the kind may be logged now, and counts it then.
func (l *logGate) opens(c clock.Clock, what string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := clock.NowMs(c)
	if last, there := l.at[what]; there && now-last < warnEvery.Milliseconds() {
		return false
	}
	l.at[what] = now
	return true
}

// warn tells that somebody sends wrong keys.
func (g *guard) warn(r *http.Request, from netip.Addr) {
	if g.told.opens(g.clock, "wrong key") {
		g.log.LogAttrs(r.Context(), slog.LevelWarn, "a wrong API key was sent; further ones are logged once a "+
			"minute at most",
			slog.String(telemetry.KeyAddr, from.String()), slog.String(telemetry.KeyPath, r.URL.Path))
	}
}

// needs returns the role that a request takes. What is not known here takes the
// strongest.
func needs(method, path string) domain.Role {
	below := func(top string) bool { return path == top || strings.HasPrefix(path, top+"/") }
	switch {
	case below("/keys"), below("/audit/changes"), path == "/settings":
		return domain.RoleAdmin
	case path == sessionPath: // everybody signs out
		return domain.RoleViewer
	case below("/operations"): // they name keys
		return domain.RoleEditor
	case method == http.MethodGet, method == http.MethodHead, method == http.MethodOptions,
		path == "/schedules/preview": // stores nothing
		return domain.RoleViewer
	case below("/alerts/channels"): // they have secrets, and reach what is elsewhere
		return domain.RoleAdmin
	case below("/jobs"), below("/schedules"), below("/alerts"), below("/notifications"):
		return domain.RoleEditor
	}
	return domain.RoleAdmin
}

// tellsOfAll reports whether the answer of a path is about every namespace and
// cannot be parted: counters, the audit, servers, their settings, groups of alerts, and hosts. A host knows nothing of
// jobs, and what goes on at it is what all namespaces do there.
func tellsOfAll(path string) bool {
	return path == "/metrics" || path == "/observability/metrics" || path == "/audit" || path == "/hosts" ||
		path == "/cluster" || path == "/events" || strings.HasPrefix(path, "/cluster/") || path == "/settings" ||
		strings.HasPrefix(path, "/alerts/") && !partsByNamespace(path) || path == "/notifications" ||
		strings.HasPrefix(path, "/notifications/")
}

// partsByNamespace reports whether a path about alerts answers each caller what is of his namespace.
func partsByNamespace(path string) bool {
	below := func(top string) bool { return path == top || strings.HasPrefix(path, top+"/") }
	return below("/alerts/channels") || below("/alerts/rules") || below("/alerts/silences") || below("/alerts/windows")
}

// reads reports whether a method changes nothing (RFC 9110, section 9.2.1).
func reads(method string) bool {
	return method == http.MethodGet || method == http.MethodHead || method == http.MethodOptions
}

// addressOf returns where a request came from; the zero address when the
// connection does not say.
func addressOf(r *http.Request) netip.Addr {
	ap, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil {
		return netip.Addr{}
	}
	return ap.Addr().Unmap()
}

// holds reports whether who has made a request may still come in: for answers that take long.
func (g *guard) holds(ctx context.Context) bool {
	v := visitorOf(ctx)
	return (v.expiresAt == 0 || clock.NowMs(g.clock) < v.expiresAt) && g.sessions.Holds(v.session) &&
		g.keys.Holds(v.author)
}

type visitorKey struct{}

// visitor is who makes a request: for the audit trail, and for what he may
// see.
type visitor struct {
	author    domain.Author
	role      domain.Role
	namespace string // the only one; empty: all
	expiresAt int64  // of what he came in with, Unix milliseconds; zero: it does not expire
	session   domain.SessionID
}

func withVisitor(r *http.Request, c access.Caller) *http.Request {
	v := visitor{domain.Author{Key: c.Key, Name: c.Name}, c.Role, c.Namespace, c.ExpiresAt,
		c.Session}
	if from := addressOf(r); from.IsValid() {
		v.author.Address = from.String()
	}
	return r.WithContext(context.WithValue(r.Context(), visitorKey{}, v))
}

func visitorOf(ctx context.Context) visitor {
	v, _ := ctx.Value(visitorKey{}).(visitor)
	return v
}

// callerName tells apart callers each of whom may have so much: by their keys, or else by their addresses. All programs
// on the machine of a server without keys are one.
func callerName(ctx context.Context) string {
	by := visitorOf(ctx).author
	if by.Key == domain.AuthorAnonymous {
		return by.Key + " " + by.Address
	}
	return by.Key + " " + by.Name // keys of the settings have only names
}

// sender says where a request comes from, as far as it matters to a server without keys.
type sender int

const (
	elsewhere   sender = iota // it reached an address that is not loopback
	onMachine                 // a program on this machine has made it
	onSocket                  // the same, over a unix socket: a program of this user
	behindProxy               // a program on this machine has made it for somebody else
)

// onLoopback reports whether a page could have made the request, by a name of its own for
// the loopback address.
func (s sender) onLoopback() bool { return s == onMachine || s == behindProxy }

// senderOf decides by the address that was reached, by the address from which the request
// comes, and by the traces that proxies leave in it.
func senderOf(r *http.Request) sender {
	server, _ := r.Context().Value(http.LocalAddrContextKey).(net.Addr)
	if server == nil {
		return elsewhere
	}
	reached, err := netip.ParseAddrPort(server.String())
	client := addressOf(r)
	switch socket := server.Network() == "unix"; {
	case !socket && (err != nil || !reached.Addr().Unmap().IsLoopback()):
		return elsewhere
	case front.ForwardedBy(r) != "", client.IsValid() && !client.IsLoopback():
		return behindProxy
	case socket:
		return onSocket
	}
	return onMachine
}

// fromNoBrowser reports whether a request is one of HTTP/1.0 without a Host, which
// had none. No browser sends it.
func fromNoBrowser(r *http.Request) bool { return r.Host == "" && !r.ProtoAtLeast(1, 1) }
