package postgres_test

import (
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/store/postgres"
)

// TestRowsOfTheBuildBefore: what a running server of the build before writes and reads of nodes goes on
// after the change of the tables. Its row says that it speaks the first protocol, and nothing of its
// settings.
func TestRowsOfTheBuildBefore(t *testing.T) {
	t.Parallel()
	url := database(t)
	s, err := postgres.Open(t.Context(), postgres.Config{URL: url, EncryptionKeys: []string{key}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	execute(t, url, `
INSERT INTO node (token, name, address, build, role, draining, keys, seen)
VALUES (1, 'old', 'http://old.test', '1.0', 'all', false, 'ab', 5)
    ON CONFLICT (token) DO UPDATE SET name = excluded.name`)
	all, err := s.Nodes().Seen(t.Context(), store.Node{Token: 2, Name: "new", Protocol: 2, Settings: "{}"})
	if err != nil {
		t.Fatal(err)
	}
	want := store.Node{
		Token: 1, Name: "old", Address: "http://old.test", Build: "1.0", Role: "all", Seen: 5, Protocol: 1,
	}
	if len(all) != 2 || all[0] != want || all[1].Settings != "{}" || all[1].Protocol != 2 {
		t.Errorf("%+v", all)
	}
	if err := s.Nodes().RaiseProtocol(t.Context(), 2); err != nil {
		t.Fatal(err)
	}
	if got, err := s.Nodes().Protocol(t.Context()); err != nil || got != 1 {
		t.Errorf("beside the build before the protocol is %d, %v", got, err)
	}
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close(t.Context()) }()
	var read store.Node
	const query = `SELECT token, name, address, build, role, draining, seen FROM node ORDER BY token`
	err = conn.QueryRow(t.Context(), query).
		Scan(&read.Token, &read.Name, &read.Address, &read.Build, &read.Role, &read.Draining, &read.Seen)
	if err != nil || read.Name != "old" {
		t.Errorf("the build before reads %+v, %v", read, err)
	}
}
