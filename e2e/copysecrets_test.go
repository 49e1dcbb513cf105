package e2e

import (
	"encoding/json"
	"fmt"
	"maps"
	"path/filepath"
	"strings"
	"testing"
)

// plantTaken makes a channel of every kind that is called by HTTP, whose messages arrive, and returns their ids.
func (tr *transcript) plantTaken(at string, echoes *channelEchoes) (ids []string) {
	tr.t.Helper()
	var kinds struct{ Kinds []struct{ Kind string } }
	if err := json.Unmarshal([]byte(tr.ask("GET", at+"/alerts/channels/kinds", "")), &kinds); err != nil {
		tr.t.Fatal(err)
	}
	for i, k := range kinds.Kinds {
		if k.Kind == "EMAIL" {
			continue
		}
		text, err := json.Marshal(channelAt(k.Kind, echoes.URL, "ok", 300+i))
		if err != nil {
			tr.t.Fatal(err)
		}
		id := strings.ToLower(k.Kind)
		if answer := tr.ask("PUT", at+"/alerts/channels/"+id, string(text)); !strings.Contains(answer, "********") {
			tr.t.Fatalf("the channel %s was not made: %s", id, answer)
		}
		ids = append(ids, id)
	}
	return ids
}

// tellAll lets a job fail at a port where nobody listens, of which each channel is told, and returns the secrets that
// have arrived.
func (tr *transcript) tellAll(at string, port int, ids []string, echoes *channelEchoes) map[string]string {
	tr.t.Helper()
	told := make(map[string]string)
	job := fmt.Sprintf(`{"schedule":"* * * * * *","api":"http://127.0.0.1:%d/","type":"ATLEAST_ONCE",`+
		`"retry":{"maxRetries":0}}`, port)
	if made := tr.ask("POST", at+"/jobs", job); !strings.Contains(made, "jobId") {
		tr.t.Fatal(made)
	}
	eventually(tr.t, "each channel is told of a failure", func() bool {
		maps.Copy(told, echoes.taken())
		return len(told) == len(ids)
	})
	return told
}

// TestNoSecretOfAChannelLeavesACopy: channels of every kind are copied from files to PostgreSQL, and back to other
// files. No secret is in what copy says, nor in a database that it has written, and each channel is called with the
// same secrets there.
func TestNoSecretOfAChannelLeavesACopy(t *testing.T) {
	t.Parallel()
	echoes, url := newChannelEchoes(t), newPostgres(t).Database(t)
	files, back := t.TempDir(), t.TempDir()
	tr := &transcript{t: t, key: canary + "-api-key-0123456789abcdef"}
	env := []string{"BELFRY_API_KEYS=" + tr.key, "LOG_LEVEL=debug",
		"DB_VERBOSE=true", "HOST=127.0.0.1", "BELFRY_SIGNING_SECRET=" + canaryOfServer}
	on := func(database string) *process {
		return startWith(t, binary, "belfry is running", "address", append(cleanEnv(env...), database), "serve")
	}
	end := func(p *process) {
		if code := p.terminate(); code != 0 {
			t.Errorf("exit code %d", code)
		}
		tr.text.WriteString(p.log())
	}
	move := func(args ...string) {
		code, out := belfryOnce(t, binary, env, append([]string{"copy"}, args...)...)
		if code != 0 || strings.Contains(out, "DIFFERS") || !strings.Contains(out, "moved in") {
			t.Fatalf("copy ended with %d\n%s", code, out)
		}
		tr.text.WriteString(out)
	}
	source := filepath.Join(files, "jobs.db")

	p := on("DB_PATH=" + source) // it seals with a key of its own
	env = append(env, "BELFRY_ENCRYPTION_KEY="+postgresKey)
	ids := tr.plantTaken(p.url, echoes)
	want := tr.tellAll(p.url, 1, ids, echoes)
	if len(ids) < 11 || !strings.Contains(fmt.Sprint(want), "signed by "+canaryOfJob) {
		t.Fatalf("%d channels: %v", len(ids), want)
	}
	end(p)

	move("--from", source, "--to", url)
	wantNoForm(t, "the database", rowsOf(t, url))
	p = on("DATABASE_URL=" + url)
	if got := tr.tellAll(p.url, 2, ids, echoes); !maps.Equal(got, want) {
		t.Errorf("from PostgreSQL the channels were called with\n%v, want\n%v", got, want)
	}
	tr.look(p.url, []string{"webhook"})
	end(p)
	wantNoForm(t, "the database", rowsOf(t, url))

	move("--from", url, "--to", filepath.Join(back, "jobs.db"), "--json")
	wantNoFormIn(t, back)
	wantNoFormIn(t, files)
	p = on("DB_PATH=" + filepath.Join(back, "jobs.db"))
	if got := tr.tellAll(p.url, 3, ids, echoes); !maps.Equal(got, want) {
		t.Errorf("from files the channels were called with\n%v, want\n%v", got, want)
	}
	end(p)
	wantNoForm(t, "what has left a server, or copy", tr.text.String())
}
