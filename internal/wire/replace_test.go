package wire

import (
	"encoding/json"
	"reflect"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

const replaceable = `{"schedule":"@hourly","api":"https://a.test/","type":"ATLEAST_ONCE"}`

// What is absent gets its default, but for what stays; an export lays the same job.
func TestReplace(t *testing.T) {
	stored := domain.NewSpecDoc()
	if err := Merge(&stored, []byte(`{"schedule":"@hourly","api":"https://a.test/","type":"ATLEAST_ONCE","key":"k",
		"name":"n","namespace":"team-7","tags":["a"],"retry":{"maxRetries":0},"body":{"a": 1},"isActive":false,
		"headers":{"Authorization":"Bearer 1","X-A":"2"},
		"signing":{"secrets":["whsec_Y2FuYXJ5LWNhbmFyeS1jYW5hcnktY2FuYXJ5"]}}`)); err != nil {
		t.Fatal(err)
	}
	stored.SecretsSent = false
	laid := func(text string) domain.SpecDoc {
		doc := stored
		if err := Replace(&doc, []byte(text)); err != nil {
			t.Fatalf("%s: %v", text, err)
		}
		return doc
	}
	bare := domain.NewSpecDoc()
	bare.Schedule, bare.API, bare.Type, bare.Namespace, bare.IsActive = "@hourly", "https://a.test/", "ATLEAST_ONCE",
		"team-7", false
	if got := laid(replaceable); !reflect.DeepEqual(got, bare) {
		t.Errorf("%+v\nwant %+v", got, bare)
	}
	if got := laid(`{"isActive":true,"headers":{"authorization":"********"}}`); !got.IsActive || got.SecretsSent ||
		got.Headers["authorization"] != "Bearer 1" || len(got.Headers) != 1 || got.Schedule != "" || got.Body != nil {
		t.Errorf("%+v", got)
	}
	if got := laid(`{"body":{"a":1}}`); string(got.Body) != `{"a": 1}` {
		t.Errorf("the same body is %s", got.Body)
	}
	if got := laid(`{"body":null}`); got.Body != nil {
		t.Errorf("no body is %s", got.Body)
	}
	if got := laid(`{"headers":{"Authorization":"Bearer 2"}}`); !got.SecretsSent {
		t.Error("a secret that was sent is not noted")
	}
	for _, document := range []func(*domain.Version) json.Marshaler{Document, Revealed} {
		text, err := json.Marshal(document(&domain.Version{Spec: stored.Spec, Active: stored.IsActive}))
		if err != nil {
			t.Fatal(err)
		}
		got := laid(string(text))
		got.SecretsSent = false
		if !reflect.DeepEqual(got, stored) {
			t.Errorf("%s\nlays %+v\nwant %+v", text, got, stored)
		}
	}
	doc := stored
	if err := Replace(&doc, []byte(`{"nosuch":"x","headers":{"X-New-Token":"********"}}`)); err == nil ||
		!reflect.DeepEqual(doc, stored) {
		t.Errorf("a wrong item: %v", err)
	}
}

func TestKeyOfAnItem(t *testing.T) {
	for text, want := range map[string][2]string{
		`{"key":"a","namespace":"b"}`:               {"a", "b"},
		`{"key":"a","nosuch":7,"headers":{"A":""}}`: {"a", ""},
		`{"key":"a","namespace":null}`:              {"a", ""},
		`{"key":"a","namespace":7}`:                 {"", ""},
		`{"key":7,"namespace":"b"}`:                 {"", "b"},
		`{`:                                         {"", ""}, `[]`: {"", ""}, ` {"key":"a"} `: {"a", ""},
	} {
		item := Item{Text: []byte(text)}
		if key, namespace := item.Key(); key != want[0] || namespace != want[1] {
			t.Errorf("%s: %q, %q", text, key, namespace)
		}
	}
}
