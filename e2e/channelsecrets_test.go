package e2e

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// canaryForms are what a canary looks like in any text in which it is: as it is, and in Base64 from each
// of three places on.
func canaryForms() []string {
	forms := []string{canary}
	for before := range 3 {
		text := base64.RawStdEncoding.EncodeToString([]byte(strings.Repeat("x", before) + canary))
		// the characters before have bits of what is before
		from := []int{0, 2, 3}[before]
		forms = append(forms, text[from:len(text)-(before+len(canary))%3]) // and the last one of what is behind
	}
	return forms
}

// wantNoForm asserts that no form of a canary is in a text.
func wantNoForm(t *testing.T, what, text string) {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		for _, form := range canaryForms() {
			if at := strings.Index(line, form); at >= 0 {
				t.Errorf("%s shows a secret: %.300s", what, line[max(0, at-150):])
				break
			}
		}
	}
}

func TestCanaryForms(t *testing.T) {
	t.Parallel()
	for before := range 7 {
		text := base64.StdEncoding.EncodeToString([]byte(strings.Repeat("?", before) + canary + "345:x"))
		if !slices.ContainsFunc(canaryForms(), func(form string) bool { return strings.Contains(text, form) }) {
			t.Errorf("%s is not found", text)
		}
	}
}

// plantedChannel is a channel with canaries, and whether its errors must have masks.
type plantedChannel struct {
	id, body string
	masked   bool
}

// channelDoc is what the API takes.
type channelDoc struct {
	Kind    string            `json:"kind"`
	Default bool              `json:"default"`
	Options map[string]string `json:"options,omitempty"`
	Secrets map[string]string `json:"secrets"`
	Signing []string          `json:"signingSecrets,omitempty"`
}

// channelAt makes a channel of a kind with the canary number n at a URL.
func channelAt(kind, base, way string, n int) channelDoc {
	tag := fmt.Sprintf("%s%03d", canary, n)
	at := base + "/" + way + "/" + tag + "-path"
	c := channelDoc{Kind: kind, Default: true, Options: map[string]string{}, Secrets: map[string]string{"url": at}}
	login := func(set bool) {
		if set {
			c.Options["user"], c.Secrets["password"] = "phil", tag+` +/"<&ü-password`
		} else {
			c.Secrets["token"] = tag + "+of/token="
		}
	}
	switch kind {
	case "TELEGRAM":
		c.Options["chatId"], c.Secrets["token"] = "-100123", "110201543:"+tag+"-of-bot"
	case "NTFY":
		c.Secrets["topic"] = tag + "-topic"
		login(n%2 == 0)
	case "GOTIFY":
		c.Secrets["token"] = tag + "-of-gotify"
	case "PUSHOVER":
		c.Secrets["token"], c.Secrets["userKey"] = tag+"-of-push", tag+"-of-user"
	case "PAGERDUTY":
		c.Secrets["routingKey"] = (tag + strings.Repeat("K", 32))[:32]
	case "ALERTMANAGER":
		login(n%2 == 0)
	case "SMS":
		c.Secrets["token"], c.Options["to"] = tag+` of "twilio" +/&`, "+4917012345"
		c.Options["accountSid"], c.Options["from"] = "AC0123456789abcdef0123456789abcdef", "+4930123456"
	case "WEBHOOK":
		c.Signing = []string{canaryOfJob}
		c.Secrets["url"] += "?key=" + tag + "-query&b=%2Fx"
	default: // a URL alone
		c.Secrets["url"] += "?key=" + tag + "-query&b=%2Fx"
	}
	return c
}

// mailAt makes a channel of mail.
func mailAt(port string, n int) channelDoc {
	return channelDoc{Kind: "EMAIL", Default: true,
		Options: map[string]string{"host": "127.0.0.1", "port": port, "security": "TLS", "user": "belfry",
			"from": "belfry@example.com", "to": "ops@example.com"},
		Secrets: map[string]string{"password": fmt.Sprintf(`%s%03d +/"<&-password`, canary, n)}}
}

// plantChannels makes a channel of every kind for every way to fail.
func (tr *transcript) plantChannels(at string, echoes *channelEchoes, authority *pki) (made []plantedChannel) {
	tr.t.Helper()
	put := func(kind, way string, masked bool, doc channelDoc) {
		text, err := json.Marshal(doc)
		if err != nil {
			tr.t.Fatal(err)
		}
		id := strings.ToLower(kind + "-" + way)
		if answer := tr.ask("PUT", at+"/alerts/channels/"+id, string(text)); !strings.Contains(answer, "********") {
			tr.t.Fatalf("the channel %s was not made: %s", id, answer)
		}
		made = append(made, plantedChannel{id, string(text), masked})
	}
	var kinds struct{ Kinds []struct{ Kind string } }
	if err := json.Unmarshal([]byte(tr.ask("GET", at+"/alerts/channels/kinds", "")), &kinds); err != nil {
		tr.t.Fatal(err)
	}
	n := 0
	for _, k := range kinds.Kinds {
		if k.Kind == "EMAIL" {
			for _, way := range mailWays {
				n++
				masked := way == "PLAIN" || way == "LOGIN" || way == "recipient"
				put(k.Kind, way, masked, mailAt(startMailEcho(tr.t, authority, way), n))
			}
			continue
		}
		for way, masked := range echoWays {
			n++
			put(k.Kind, way, masked, channelAt(k.Kind, echoes.base(way), way, n))
		}
	}
	if n < 180 || n > 198 {
		tr.t.Errorf("%d channels", n)
	}
	put("WEBHOOK", "ok", false, channelAt("WEBHOOK", echoes.URL, "ok", 899))
	return made
}

// refuseChannels asks for what must be refused.
func (tr *transcript) refuseChannels(at string) {
	for i, wrong := range []string{
		`{"kind":"WEBHOOK","secrets":{"url":"ftp://%s"}}`, `{"kind":"WEBHOOK","secrets":{"url":"http://u:%s%%zz@h/"}}`,
		`{"kind":"WEBHOOK","secrets":{"url":"%s"}}`, `{"kind":"WEBHOOK","secrets":{"url":["%s"]}}`,
		`{"kind":"WEBHOOK","secrets":"%s"}`, `{"kind":"WEBHOOK","secrets":{"url":"http://h/%s"`,
		`{"kind":"WEBHOOK","secrets":{"url":"http://h/","token":"%s"}}`,
		`{"kind":"WEBHOOK","secrets":{"url":"http://h/"},"signingSecrets":["whsec_%s!"]}`,
		`{"kind":"WEBHOOK","secrets":{"url":"http://h/"},"signingSecrets":"%s"}`,
		`{"kind":"SLACK","secrets":{"url":"http://h/"},"signingSecrets":["whsec_%sAAAAAAAAAAAAAAAAAAAAAA"]}`,
		`{"kind":"TELEGRAM","options":{"chatId":"1"},"secrets":{"token":"%s"}}`,
		`{"kind":"TELEGRAM","options":{"chatId":"1","token":"1:%s"},"secrets":{}}`,
		`{"kind":"PAGERDUTY","secrets":{"routingKey":"%s"}}`, `{"kind":"NTFY","secrets":{"topic":"%s/é"}}`,
		`{"kind":"GOTIFY","secrets":{"url":"http://h/","token":"%s\u0001"}}`,
		`{"kind":"GOTIFY","secrets":{"url":"http://h/","token":"%s","token":"b"}}`,
		`{"kind":"EMAIL","options":{"host":"h","from":"a@b.example","to":"a@b.example"},"secrets":{"password":"%s"}}`,
		`{"kind":"PIGEON","secrets":{"url":"http://h/%s"}}`,
	} {
		text := fmt.Sprintf(wrong, canary)
		for _, id := range []string{"new", "webhook-ok"} {
			answer := tr.ask("PUT", at+"/alerts/channels/"+id, text)
			if !strings.Contains(answer, `"status":4`) {
				tr.t.Errorf("%d %s is taken: %s", i, wrong, answer)
			}
		}
		tr.ask("POST", at+"/alerts/channels/preview", text)
	}
}

// editChannels changes channels as a client does that sends back what it was shown, and as one that would like to see
// what is not shown.
func (tr *transcript) editChannels(at string, echoes *channelEchoes) {
	for _, text := range []string{
		`{"kind":"WEBHOOK","default":true,"secrets":{"url":"********"},"signingSecrets":["********"]}`,
		`{"kind":"SLACK","default":true,"secrets":{"url":"********"}}`,
		`{"kind":"GOTIFY","secrets":{"url":"` + echoes.URL + `/say400/x","token":"********"}}`,
		`{"kind":"WEBHOOK","default":true,"secrets":{"url":"********"},"signingSecrets":["` + canaryNext +
			`","********"]}`,
	} {
		tr.ask("PUT", at+"/alerts/channels/webhook-say503", text)
		tr.ask("PUT", at+"/alerts/channels/gotify-say400", text)
	}
	for _, id := range []string{"email-plain", "telegram-say429", "ntfy-say503", "sms-say503", "teams-badmove"} {
		tr.ask("POST", at+"/alerts/channels/"+id+"/test", "")
	}
	tr.ask("PUT", at+"/alerts/channels/discord-say400",
		`{"kind":"DISCORD","disabled":true,"secrets":{"url":"********"}}`)
	tr.ask("DELETE", at+"/alerts/channels/discord-say503", "")
}

// lookAtChannels reads what is shown of channels and of messages, and returns the errors of each channel.
func (tr *transcript) lookAtChannels(at string) map[string]string {
	errorsOf := make(map[string]string)
	var list struct {
		Channels []struct {
			ID           string
			LastDelivery *struct{ Error *string }
		}
		Notifications []struct {
			Channel string
			Error   *string
		}
	}
	for _, path := range []string{"/alerts/channels", "/notifications?limit=1000"} {
		if err := json.Unmarshal([]byte(tr.ask("GET", at+path, "")), &list); err != nil {
			tr.t.Fatal(err)
		}
	}
	for _, c := range list.Channels {
		if c.LastDelivery != nil && c.LastDelivery.Error != nil {
			errorsOf[c.ID] += *c.LastDelivery.Error + "\n"
		}
	}
	for _, n := range list.Notifications {
		if n.Error != nil {
			errorsOf[n.Channel] += *n.Error + "\n"
		}
	}
	return errorsOf
}

// TestNoSecretOfAChannelLeaves plants canaries in the secrets of channels of every kind,
// in signing secrets and in the URL of the dead man's switch. Receivers repeat them in every way in which they
// can fail.
// The canaries are in nothing that leaves the server: log at debug level, answers, command line, metrics,
// trail, messages
// to others; and in nothing that it writes, over a crash and a rotation of keys.
func TestNoSecretOfAChannelLeaves(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	env := append(cleanEnv(), "DB_PATH="+filepath.Join(dir, "jobs.db"))
	channelsLeakNothing(t, dir, env, func() { wantNoFormIn(t, dir) })
}

// The same on PostgreSQL: the canaries are in no row.
func TestNoSecretOfAChannelIsInPostgreSQL(t *testing.T) {
	t.Parallel()
	database := newPostgres(t).Database(t)
	env := append(cleanEnv(), "DATABASE_URL="+database, "BELFRY_ENCRYPTION_KEY="+postgresKey)
	channelsLeakNothing(t, t.TempDir(), env, func() { wantNoForm(t, "the database", rowsOf(t, database)) })
}

func channelsLeakNothing(t *testing.T, dir string, env []string, wantNoneStored func()) {
	t.Helper()
	echoes, authority := newChannelEchoes(t), newPKI(t)
	host := strings.TrimPrefix(echoes.URL, "http://")
	tr := &transcript{t: t, key: canary + "-api-key-0123456789abcdef"}
	mail := startMailEcho(t, authority, "PLAIN")
	env = append(env, "LOG_LEVEL=debug", "DB_VERBOSE=true", "LOG_DIR="+filepath.Join(dir, "logs"), "HOST=127.0.0.1",
		"BELFRY_API_KEYS="+tr.key, "BELFRY_SIGNING_SECRET="+canaryOfServer,
		"BELFRY_EGRESS_CA_FILE="+authority.file("ca.crt"),
		"BELFRY_DEADMAN_URL="+echoes.URL+"/say400/"+canary+"900-deadman?key="+canary+"900-query",
		"BELFRY_ALERT_URL="+strings.Join([]string{
			echoes.URL + "/say503/" + canary + "901-path?key=" + canary + "901-query",
			"mattermost://" + host + "/" + canary + "902-token?disabletls=yes",
			"ntfy://phil:" + canary + "903-password@" + host + "/" + canary + "903-topic?scheme=http",
			"gotify://" + host + "/" + canary + "904-token?disabletls=yes",
			"smtps://belfry:" + canary + "905-password@127.0.0.1:" + mail + "/?from=b@example.com&to=o@example.com",
		}, ","))
	start := func() *process { return startWith(t, binary, "belfry is running", "address", env, "serve") }

	p := start()
	tr.ask("PUT", p.url+"/alerts/rules/undeliverable", `{"name":"undeliverable","when":{"kind":"UNDELIVERABLE"},`+
		`"channels":["webhook-ok"],"level":"WARNING"}`)
	made := tr.plantChannels(p.url, echoes, authority)
	tr.refuseChannels(p.url)
	if ids := tr.ask("POST", p.url+"/jobs",
		`{"schedule":"* * * * * *","api":"http://127.0.0.1:1/","type":"ATLEAST_ONCE",`+
			`"retry":{"maxRetries":0}}`); !strings.Contains(ids, "jobId") {
		t.Fatal(ids)
	}
	var found map[string]string
	eventually(t, "each channel has failed in its way", func() bool {
		found = tr.lookAtChannels(p.url)
		return echoes.ways()["ok"] > 0 && !slices.ContainsFunc(made, func(c plantedChannel) bool {
			return found[c.id] == "" && !strings.HasSuffix(c.id, "-ok") && !strings.HasSuffix(c.id, "-say200")
		})
	})
	for _, c := range made {
		if c.masked && !strings.Contains(found[c.id], "********") {
			t.Errorf("%s has repeated nothing: %q", c.id, found[c.id])
		}
	}
	tr.editChannels(p.url, echoes)
	p.kill()
	tr.text.WriteString(p.log())

	p = start()
	before := echoes.ways()["say429"]
	eventually(t, "messages are sent after the crash", func() bool { return echoes.ways()["say429"] > before })
	tr.lookAtChannels(p.url)
	tr.look(p.url, []string{"webhook-say400"})
	tr.runChannelCommands(p.url, env)
	if code := p.terminate(); code != 0 {
		t.Errorf("exit code %d", code)
	}
	tr.text.WriteString(p.log())
	_, out, errs := runAll(t, env, "keys", "rotate-encryption")
	tr.text.WriteString(out + errs)
	wantNoForm(t, "the server", tr.text.String())
	for _, text := range echoes.foreign {
		t.Errorf("a message has the secret of another channel: %.300s", text)
	}
	for way := range echoWays {
		if echoes.ways()[way] == 0 && way != "refuse" && way != "tls" && way != "egress" {
			t.Errorf("no message has failed by %s", way)
		}
	}
	wantNoneStored()
}

// runChannelCommands runs what shows and changes channels on the command line.
func (tr *transcript) runChannelCommands(url string, env []string) {
	tr.t.Helper()
	wrong := filepath.Join(tr.t.TempDir(), "secret.txt")
	if err := os.WriteFile(wrong, []byte("ftp://"+canary+"/\n"), 0o600); err != nil {
		tr.t.Fatal(err)
	}
	cli := append(cleanEnv("BELFRY_SERVER="+url, "BELFRY_API_KEY="+tr.key), env...)
	for _, args := range [][]string{
		{"channels", "list"}, {"channels", "list", "--json"}, {"channels", "show", "sms-say503"},
		{"channels", "test", "pagerduty-say400"}, {"channels", "set", "webhook-ok", "--disabled"},
		{"channels", "set", "wrong", "--kind", "SLACK", "--secret", "url=" + wrong},
		{"channels", "set", "wrong", "--kind", "PAGERDUTY", "--secret", "routingKey=" + wrong},
		{"channels", "set", "wrong", "--kind", "WEBHOOK", "--signing-secret", wrong},
		{"channels", "set", "wrong", "--file", wrong}, {"channels", "delete", "webhook-ok"},
		{"notifications", "list"}, {"notifications", "list", "--json"}, {"groups", "list", "--json"},
		{"rules", "list"}, {"health"}, {"config", "check"}, {"export"},
	} {
		_, out, errs := runAll(tr.t, cli, args...)
		if out+errs == "" {
			tr.t.Errorf("belfry %v says nothing", args)
		}
		tr.text.WriteString(out + errs)
	}
	for _, url := range []string{"slack://hook:" + canary + "@webhook", "smtp://u:" + canary + "@h", canary + "://x",
		"http://u:" + canary + "%zz@h/", "telegram://" + canary + "@telegram?chats=1", "ntfy://" + canary + "@h/é"} {
		env := append(slices.Clone(env), "BELFRY_ALERT_URL="+url, "DB_PATH="+filepath.Join(tr.t.TempDir(), "jobs.db"),
			"DATABASE_URL=")
		code, out, errs := runAll(tr.t, env, "serve")
		if code == 0 || !strings.Contains(errs, "BELFRY_ALERT_URL") && !strings.Contains(errs, "alert_url") {
			tr.t.Errorf("BELFRY_ALERT_URL=%s: %d %s", url, code, errs)
		}
		tr.text.WriteString(out + errs)
	}
}

// wantNoFormIn asserts that no file below a folder has a canary.
func wantNoFormIn(t *testing.T, dir string) {
	t.Helper()
	wantNoCanaryIn(t, dir)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		wantNoForm(t, path, string(content))
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// rowsOf returns all rows of a database as text.
func rowsOf(t *testing.T, url string) string {
	t.Helper()
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(ctx)
	var all strings.Builder
	rows, err := conn.Query(ctx, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables
 WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		t.Fatal(err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil || len(tables) < 10 {
		t.Fatalf("%d tables, %v", len(tables), err)
	}
	for _, table := range tables {
		rows, err := conn.Query(ctx, "SELECT t::text FROM "+table+" t")
		if err != nil {
			t.Fatal(err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			t.Fatal(err)
		}
		all.WriteString(strings.Join(texts, "\n") + "\n")
	}
	return all.String()
}
