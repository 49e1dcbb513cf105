package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"unicode/utf8"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/target"
	"github.com/belfry-scheduler/belfry/internal/view"
	"github.com/danielgtaylor/huma/v2"
)

const (
	defaultHostLimit = 20
)

// hostRoutes list the hosts that jobs call.
type hostRoutes struct{ view *view.View }

func (h *hostRoutes) register(rt *router) {
	register(rt, huma.Operation{
		OperationID: "list-hosts", Method: http.MethodGet, Path: "/hosts", Tags: []string{"Observability"},
		Summary: "List the hosts that jobs call",
		Description: "What is known of each host (scheme, name, port): whether it answers, its calls, its " +
			"connections and its certificate. A host is known while it has something to do and for a minute or so " +
			"after that; its certificate for as long as the server runs. There is no next page: what goes on " +
			"changes from one moment to the next. Of several servers the calls of all are added up. " +
			"A key that is confined to a namespace gets 403, since hosts are " +
			"shared by all namespaces.",
	}, h.hosts)
	documentLive(rt, "/hosts")
}

type hostLimitParam string

// Schema implements huma.SchemaProvider.
func (hostLimitParam) Schema(huma.Registry) *huma.Schema { return limitSchema(defaultHostLimit) }

func (p hostLimitParam) parse() (int, error) { return parseLimit(string(p), defaultHostLimit) }

type hostsInput struct {
	Limit hostLimitParam `query:"limit"`
	Sort  string         `query:"sort" enum:"activity,certificate" doc:"activity (the default): most calls in flight and queued first, then most calls of late. certificate: the certificate that expires first comes first; hosts without one come last." example:"certificate"`
	Host  string         `query:"host" maxLength:"300" doc:"Only this host: a URL, of which scheme, name and port count." example:"https://example.com"`
}

type hostsOutput struct{ Body hostsBody }

type hostsBody struct {
	Hosts []hostBody `json:"hosts" nullable:"false" doc:"The hosts, at most limit."`
	Total int        `json:"total" doc:"How many hosts there are without the limit." example:"214"`
}

type hostBody struct {
	Host        string           `json:"host" doc:"Scheme, name and port." example:"https://example.com:443"`
	State       string           `json:"state" enum:"answering,connecting,hanging,silent,refusing,idle" doc:"answering: nothing is wrong. connecting: its calls wait for connections. hanging: all its slots are taken, and no call has ended for longer than usual. silent: the same for two seconds, or connections are not answered. refusing: connections fail at once. idle: it was not called for a minute or more, and only its certificate is known." example:"answering"`
	Limit       *int             `json:"limit" doc:"How many calls it may have at a time: its slots. null: it has had nothing to do in the last seconds." example:"64"`
	Worth       *int             `json:"worth" doc:"How many connections it is worth, by its calls and their time. null: like limit." example:"4"`
	Calls       int              `json:"calls" doc:"Calls in flight." example:"3"`
	Queued      int              `json:"queued" doc:"Fires that are due and wait for a slot." example:"0"`
	Overdue     int              `json:"overdue" doc:"Of those, the ones that waited in an overload and wait behind fires that came due later now." example:"0"`
	Spans       int              `json:"spans" doc:"Ranges of fires that wait beside those: they found no place in the queue, or are of a gap." example:"0"`
	RecentCalls int64            `json:"recentCalls" doc:"Calls that ended in this minute and the one before." example:"120"`
	Unanswered  unansweredBody   `json:"unanswered" doc:"Connections that were begun since it last answered."`
	Connections connectionsBody  `json:"connections" doc:"Connections to it, now."`
	Handshakes  *handshakesBody  `json:"handshakes,omitempty" doc:"TLS handshakes with it; absent: it is not https, or it is idle."`
	QuickestMs  *float64         `json:"quickestMs" doc:"Time of the quickest call of late at the target, from the request to the answer; null: no call has been answered." example:"1.8"`
	UsualMs     *float64         `json:"usualMs" doc:"Running mean of that time, over some 16 calls." example:"2.4"`
	LastError   *hostErrorBody   `json:"lastError,omitempty" doc:"Why the last call that failed did; absent: none has failed for as long as the host is known. A call that succeeds does not clear it."`
	Certificate *certificateBody `json:"certificate,omitempty" doc:"What the last handshake showed of its certificate; absent: there was none."`
}

type unansweredBody struct {
	Connections int `json:"connections" doc:"All of them. More than 16: the host is silent or refuses." example:"0"`
	Failed      int `json:"failed" doc:"Those that failed at once." example:"0"`
}

type hostErrorBody struct {
	Error string `json:"error" doc:"In the words of the execution; secrets are masked in the same way." example:"connection refused by example.com:443"`
	At    int64  `json:"at" format:"unix-ms" doc:"When the attempt ended, Unix milliseconds." example:"1767312000000"`
}

type connectionsBody struct {
	Open    int `json:"open" doc:"In use and idle." example:"4"`
	Idle    int `json:"idle" doc:"Those that are not in use." example:"1"`
	Opening int `json:"opening" doc:"Those that are being opened." example:"0"`
	Waiting int `json:"waiting" doc:"Calls that have a slot and wait for a connection." example:"0"`
	HTTP2   int `json:"http2" doc:"Those of the open ones that speak HTTP/2: they carry several calls at a time." example:"1"`
	Streams int `json:"streams" doc:"Calls in flight on those: streams of HTTP/2." example:"3"`
}

type handshakesBody struct {
	Full    int64 `json:"full" doc:"With a new session, since the host is known." example:"4"`
	Resumed int64 `json:"resumed" doc:"With an old session." example:"7"`
	Failed  int64 `json:"failed" doc:"Failed." example:"0"`
	Window  int   `json:"window" doc:"How many may be under way at a time." example:"11"`
}

type certificateBody struct {
	Subject    string   `json:"subject" doc:"Whose it is." example:"example.com"`
	Issuer     string   `json:"issuer" doc:"Who has signed it." example:"Example CA"`
	Names      []string `json:"names" nullable:"false" doc:"Names and addresses for which it is valid: the first five." example:"[\"example.com\"]"`
	MoreNames  int      `json:"moreNames" doc:"How many more there are." example:"0"`
	NotBefore  int64    `json:"notBefore" format:"unix-ms" doc:"Unix milliseconds." example:"1767225600000"`
	NotAfter   int64    `json:"notAfter" format:"unix-ms" doc:"When it expires, Unix milliseconds." example:"1775001600000"`
	ExpiresAt  int64    `json:"expiresAt" format:"unix-ms" doc:"When the first certificate of its chain expires, Unix milliseconds: notAfter, or sooner." example:"1775001600000"`
	SeenAt     int64    `json:"seenAt" format:"unix-ms" doc:"When the last handshake was, Unix milliseconds." example:"1767312000000"`
	Verified   bool     `json:"verified" doc:"Whether it was verified and is valid." example:"true"`
	Reason     *string  `json:"reason" doc:"Why it is not; null: it is." example:"the certificate of example.com expired on 2026-01-01T00:00:00Z"`
	TLSVersion string   `json:"tlsVersion" doc:"The version of TLS." example:"TLS 1.3"`
}

func (h *hostRoutes) hosts(ctx context.Context, in *hostsInput) (*hostsOutput, error) {
	q, err := hostQuery(in)
	if err != nil {
		return nil, err
	}
	found, total := h.view.Hosts(ctx, q)
	fit(ctx, len(found)*sizeOfHost)
	out := &hostsOutput{hostsBody{Hosts: make([]hostBody, len(found)), Total: total}}
	for i := range found {
		out.Body.Hosts[i] = hostOf(&found[i])
	}
	return out, nil
}

// sizeOfHost is the most that a host takes, but for unusually long names in certificates.
const sizeOfHost = 2 << 10

func hostQuery(in *hostsInput) (q view.HostQuery, err error) {
	if q.Limit, err = in.Limit.parse(); err != nil {
		return q, err
	}
	switch strings.TrimSpace(in.Sort) {
	case "", "activity":
	case "certificate":
		q.Order = view.ByCertificate
	default:
		return q, kindMalformed.fieldAs(domain.FieldChoice, "sort", "must be activity or certificate", in.Sort)
	}
	name := strings.TrimSpace(in.Host)
	if utf8.RuneCountInString(name) > maxHostFilter {
		return q, kindMalformed.fieldAs(domain.FieldLength, "host",
			fmt.Sprintf("must be at most %d characters", maxHostFilter), name)
	}
	if name == "" {
		return q, nil
	}
	to, err := target.Parse(name)
	if err != nil {
		return q, kindMalformed.fieldAs(domain.FieldFormat, "host",
			"must be a URL with scheme and name, as in https://example.com", name)
	}
	q.Name = to.Host.String()
	return q, nil
}

func hostOf(h *view.Host) hostBody {
	b := hostBody{
		Host: h.Name, State: h.State, Limit: unlessZero(h.Limit), Worth: unlessZero(h.Worth),
		Calls: h.Calls, Queued: h.Queued, Overdue: h.Overdue, Spans: h.Spans, RecentCalls: h.Recent,
		Unanswered: unansweredBody{h.Unanswered, h.Refused}, Connections: connectionsBody(h.Connections),
		QuickestMs: unlessZero(h.QuickestMs), UsualMs: unlessZero(h.UsualMs),
	}
	if n := h.Handshakes; n != nil {
		b.Handshakes = &handshakesBody{n.Full, n.Resumed, n.Failed, n.Window}
	}
	if e := h.LastError; e != nil {
		b.LastError = &hostErrorBody{e.Text, e.At}
	}
	if c := h.Certificate; c != nil {
		b.Certificate = &certificateBody{
			Subject: c.Subject, Issuer: c.Issuer, Names: c.Names, MoreNames: c.MoreNames,
			NotBefore: c.NotBefore, NotAfter: c.NotAfter, ExpiresAt: c.Expires, SeenAt: c.SeenAt,
			Verified: c.Verified, Reason: unlessZero(c.Reason), TLSVersion: c.Version,
		}
	}
	return b
}
