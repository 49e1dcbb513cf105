package config

import (
	"fmt"
	"strings"
	"testing"
)

const databaseURL = "postgres://belfry:CANARY@db.example/belfry"

func TestDatabaseURL(t *testing.T) {
	for _, raw := range []string{
		"belfry", "./data/jobs.db", "mysql://u:CANARY@h/db", "postgres:h/db", "postgres://h", "postgres://h/",
		"host=h dbname=d password=CANARY", "postgres://h/d?password=CANARY", "postgres://u:CANARY@h:port/d", "://",
	} {
		_, err := places{environ: []string{"DATABASE_URL=" + raw}}.load(t)
		if err == nil || !strings.Contains(err.Error(), databaseURLRule) || strings.Contains(err.Error(), "CANARY") {
			t.Errorf("%s: error %v", raw, err)
		}
	}
	for _, p := range []places{
		{environ: []string{"DATABASE_URL=" + databaseURL, "DB_PATH=./data/jobs.db"}},
		{environ: []string{"DATABASE_URL_FILE=url"}, flags: []string{"--db-path=x"}},
		{environ: []string{"DATABASE_URL=" + databaseURL, "DATABASE_URL_FILE=url"}},
	} {
		if _, err := p.load(t); err == nil || !strings.Contains(err.Error(), "contradicts database_url") {
			t.Errorf("%+v: error %v", p, err)
		}
	}
	_, err := places{flags: []string{"--database-url=" + databaseURL}}.load(t)
	if err == nil || !strings.Contains(err.Error(), "must have no password") ||
		strings.Contains(err.Error(), "CANARY") {
		t.Errorf("a password in a flag: error %v", err)
	}
}

func TestPasswordOfTheDatabaseIsMasked(t *testing.T) {
	c := mustLoad(t, places{environ: []string{"DATABASE_URL=" + databaseURL}})
	if c.DatabaseURL.Reveal() != databaseURL || !c.OnServer() {
		t.Errorf("the URL is %q", c.DatabaseURL.Reveal())
	}
	if out := fmt.Sprintf("%v %+v %#v %v", c, c, c, c.Describe()); strings.Contains(out, "CANARY") {
		t.Errorf("the password is shown:\n%s", out)
	}
	if want := "postgres://belfry:xxxxx@db.example/belfry"; c.DatabaseName() != want {
		t.Errorf("the name is %s, want %s", c.DatabaseName(), want)
	}
}
