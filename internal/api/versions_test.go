package api

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

// versionsOf returns all versions of a job, by pages.
func versionsOf(t *testing.T, h http.Handler, path string, limit int) (all []versionBody) {
	t.Helper()
	cursor := ""
	for {
		var page versionsBody
		call(t, h, "GET", fmt.Sprintf("%s/versions?limit=%d&cursor=%s", path, limit, cursor), "").into(t, 200, &page)
		if len(page.Versions) > limit {
			t.Fatalf("%d versions, limit %d", len(page.Versions), limit)
		}
		all = append(all, page.Versions...)
		if cursor = page.NextCursor; cursor == "" {
			return all
		}
	}
}

// TestVersionsAreListed: each version with what it has changed, newest first, whatever the pages, by id and
// by key, and after the job was deleted.
func TestVersionsAreListed(t *testing.T) {
	h := newAPI(t, newFixture(t))
	long := `"` + strings.Repeat("x", 5_000) + `"`
	id := create(t, h, withJobKey("a", `"body":`+long, `"headers":{"X-A":"1"}`))
	for _, change := range []string{
		`{"name":"x","retry":{"maxRetries":7}}`, `{"headers":{"X-B":"1"},"schedule":"1 1 1 1 1 *"}`, `{"body":null}`,
		`{"isActive":false}`,
	} {
		call(t, h, "PUT", "/jobs/"+id, change).into(t, 200, new(any))
	}
	want := []string{"isActive", "body", "headers.X-A,headers.X-B,schedule", "name,retry.maxRetries", "-"}
	check := func(got []versionBody) {
		t.Helper()
		if len(got) != len(want) {
			t.Fatalf("%d versions, want %d", len(got), len(want))
		}
		for i, v := range got {
			changed := "-"
			if v.Changed != nil {
				changed = strings.Join(*v.Changed, ",")
			}
			if v.Version != len(want)-i || changed != want[i] {
				t.Errorf("version %d has changed %q, want %d, %q", v.Version, changed, len(want)-i, want[i])
			}
			if i > 0 && (v.EffectiveTo == nil || *v.EffectiveTo != got[i-1].EffectiveFrom) {
				t.Errorf("version %d ends at %v, and the next begins at %d", v.Version, v.EffectiveTo,
					got[i-1].EffectiveFrom)
			}
			if cut := v.Version <= 3; v.BodyCut != cut || cut && v.BodyBytes != len(long) || v.Spec.Body != nil {
				t.Errorf("version %d: body cut %v, %d bytes", v.Version, v.BodyCut, v.BodyBytes)
			}
		}
		if got[0].IsActive || !got[1].IsActive || got[2].Spec.Schedule != "1 1 1 1 1 *" || got[3].Spec.Name != "x" {
			t.Errorf("%+v", got)
		}
	}
	for limit := 1; limit <= 6; limit++ {
		check(versionsOf(t, h, "/jobs/"+id, limit))
		check(versionsOf(t, h, "/jobs/by-key/a", limit))
	}
	if got := versionsOf(t, h, "/jobs/"+id, 9); got[0].EffectiveTo != nil {
		t.Errorf("the current version ends: %+v", got[0])
	}
	call(t, h, "DELETE", "/jobs/"+id, "").into(t, 200, new(any))
	got := versionsOf(t, h, "/jobs/"+id, 2)
	if check(got); got[0].EffectiveTo == nil {
		t.Error("the last version of a deleted job has no end")
	}
	call(t, h, "GET", "/jobs/by-key/a/versions", "").problem(t, 404)
}

// TestWrongVersionRequests: what is not there, or of another job, is refused.
func TestWrongVersionRequests(t *testing.T) {
	h := newAPI(t, newFixture(t))
	a, b := create(t, h, minimal), create(t, h, minimal)
	for _, id := range []string{a, b} {
		call(t, h, "PUT", "/jobs/"+id, `{"name":"x"}`).into(t, 200, new(any))
	}
	var page versionsBody
	call(t, h, "GET", "/jobs/"+a+"/versions?limit=1", "").into(t, 200, &page)
	for path, status := range map[string]int{
		"GET /jobs/" + b + "/versions?cursor=" + page.NextCursor:             400,
		"GET /jobs/" + a + "/versions?cursor=x":                              400,
		"GET /jobs/" + a + "/versions?limit=0":                               400,
		"GET /jobs/7/versions":                                               400,
		"GET /jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b/versions":            404,
		"POST /jobs/" + a + "/versions/3/restore":                            404,
		"POST /jobs/" + a + "/versions/0/restore":                            400,
		"POST /jobs/" + a + "/versions/x/restore":                            400,
		"POST /jobs/" + a + "/versions/4294967297/restore":                   400,
		"POST /jobs/" + a + "/versions/1/restore?keepSecrets=maybe":          400,
		"POST /jobs/0192f0c1-2d3e-7a4b-8c5d-6e7f80910a1b/versions/1/restore": 404,
	} {
		method, path, _ := strings.Cut(path, " ")
		call(t, h, method, path, "").problem(t, status)
	}
	call(t, h, "POST", "/jobs/"+a+"/versions/1/restore", "", `If-Match: "1"`).problem(t, 412)
}

// TestVersionsKeepSecrets: no list shows one; that one has changed, and who has changed what, is for admins.
func TestVersionsKeepSecrets(t *testing.T) {
	k := newKeyed(t)
	admin, editor := withKey{k, k.keys[domain.RoleAdmin]}, withKey{k, k.keys[domain.RoleEditor]}
	id := create(t, admin, laidOver(`"headers":{"Authorization":"Bearer canary-1"}`))
	call(t, editor, "PUT", "/jobs/"+id, `{"headers":{"Authorization":"Bearer canary-2"}}`).into(t, 200, new(any))
	call(t, editor, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, new(any))
	res := call(t, admin, "GET", "/jobs/"+id+"/versions", "", "X-Request-Id: r1")
	if strings.Contains(res.text, "canary") {
		t.Errorf("a secret is shown: %s", res.text)
	}
	got := versionsOf(t, admin, "/jobs/"+id, 5)
	if fmt.Sprint(*got[0].Changed) != "[headers.Authorization]" || got[0].By == nil || got[1].By == nil ||
		got[0].By.Key == got[1].By.Key || got[0].By.Name == "" || got[0].By.RequestID == "" {
		t.Errorf("for an admin: %+v %+v", got[0], got[0].By)
	}
	for _, role := range []domain.Role{domain.RoleEditor, domain.RoleViewer} {
		got := versionsOf(t, withKey{k, k.keys[role]}, "/jobs/"+id, 5)
		if len(*got[0].Changed) != 0 || got[0].By != nil {
			t.Errorf("for %s: %+v", role, got[0])
		}
	}
}

// TestVersionIsRestored: each field is as it was, secrets and isActive too, and what PUT cannot do.
func TestVersionIsRestored(t *testing.T) {
	h, x := realOfAdmin(t)
	id := create(t, h, strings.TrimSuffix(withSecrets, "}")+`,"name":"first","tags":["a"]}`)
	first := call(t, h, "GET", "/jobs/"+id, "")
	call(t, h, "PUT", "/jobs/"+id, `{"headers":{"Authorization":"Bearer canary-3"},"secretHeaders":null,"name":null,
		"tags":["b"],"isActive":false,"timeoutMs":5,"body":{"a":1}}`).into(t, 200, new(any))
	var saved savedBody
	call(t, h, "POST", "/jobs/"+id+"/versions/1/restore", "", `If-Match: "2"`).into(t, 200, &saved)
	if saved.Version != 3 || !saved.IsActive || saved.Message != "Job restored to version 1" {
		t.Errorf("%+v", saved)
	}
	third := call(t, h, "GET", "/jobs/"+id, "")
	spec := func(a answer) any { return parseJSON(t, a.text).(object)["spec"] }
	if asJSON(spec(first)) != asJSON(spec(third)) {
		t.Errorf("restored:\n%s\nwas:\n%s", third.text, first.text)
	}
	var out triggeredBody
	call(t, h, "POST", "/jobs/"+id+"/trigger", "").into(t, 202, &out)
	made := <-x.called
	x.outcome <- domain.Outcome{Verdict: domain.VerdictSuccess, HTTPStatus: 200}
	if made.Headers["Authorization"] != "Bearer canary-1" || made.Headers["X-Own"] != "canary-2" {
		t.Errorf("sent %v", made.Headers)
	}
	call(t, h, "POST", "/jobs/"+id+"/versions/1/restore", "").into(t, 200, &saved)
	if saved.Version != 3 {
		t.Errorf("what is so already made version %d", saved.Version)
	}
}

// TestRestoreMovesNoSecrets: who does not know the secrets of a version does not have them sent to
// another origin than the present one, nor learn whether two are the same.
func TestRestoreMovesNoSecrets(t *testing.T) {
	k := newKeyed(t)
	admin, editor := withKey{k, k.keys[domain.RoleAdmin]}, withKey{k, k.keys[domain.RoleEditor]}
	id := create(t, admin, laidOver(`"api":"https://a.example/","headers":{"Authorization":"Bearer canary-1"}`))
	call(t, admin, "PUT", "/jobs/"+id+"?keepSecrets=true", `{"api":"https://b.example/"}`).into(t, 200, new(any))
	path := "/jobs/" + id + "/versions/1/restore"
	p := call(t, editor, "POST", path, "").problem(t, 422)
	if len(p.Errors) != 1 || p.Errors[0].Field != "api" ||
		!strings.Contains(p.Errors[0].Message, "headers.Authorization") {
		t.Errorf("%+v", p)
	}
	call(t, editor, "POST", path+"?keepSecrets=true", "").problem(t, 403)
	call(t, withKey{k, k.keys[domain.RoleViewer]}, "POST", path, "").problem(t, 403)
	var saved savedBody
	call(t, admin, "POST", path+"?keepSecrets=true", "").into(t, 200, &saved)
	if saved.Version != 3 || saved.Spec.API != "https://a.example/" {
		t.Errorf("%+v", saved)
	}
	// One and the same, and another: an editor sees no difference.
	call(t, editor, "POST", path, "").into(t, 200, &saved)
	if saved.Version != 4 {
		t.Errorf("version %d: it shows that the secrets are the same", saved.Version)
	}
}

// TestVersionsOfOtherNamespaces: they are not there.
func TestVersionsOfOtherNamespaces(t *testing.T) {
	w := newTenants(t)
	call(t, w.admin, "PUT", "/jobs/"+w.theirs, `{"key":"a"}`).into(t, 200, new(any))
	call(t, w.billing, "GET", "/jobs/"+w.ours+"/versions", "").into(t, 200, new(any))
	call(t, w.billing, "POST", "/jobs/"+w.ours+"/versions/1/restore", "").into(t, 200, new(any))
	call(t, w.billing, "GET", "/jobs/"+w.theirs+"/versions", "").problem(t, 404)
	call(t, w.billing, "POST", "/jobs/"+w.theirs+"/versions/1/restore", "").problem(t, 404)
	call(t, w.billing, "GET", "/jobs/by-key/a/versions?namespace=default", "").problem(t, 403)
	call(t, w.billing, "GET", "/jobs/by-key/a/versions", "").problem(t, 404)
}
