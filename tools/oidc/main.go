// Command oidc is a provider of OpenID Connect for tests, on loopback: that of zitadel/oidc, with its own form to log
// in and its own store. It is a module of its own, so that Belfry does not depend on it.
//
//	oidc -client belfry -secret SECRET -redirect URL[,URL]
//
// It prints its issuer, and ends with its standard input. Its people are ann (ann@example.com), bob (bob@example.com)
// and eve (whose address is not verified), and their password is "password".
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
)

func main() {
	client := flag.String("client", "belfry", "id of the client")
	secret := flag.String("secret", "secret", "its secret")
	redirect := flag.String("redirect", "", "its redirect URIs, separated by commas")
	flag.Parse()
	if err := run(*client, *secret, strings.Split(*redirect, ",")); err != nil {
		fmt.Fprintln(os.Stderr, "oidc:", err)
		os.Exit(1)
	}
}

func run(client, secret string, redirects []string) error {
	people, err := peopleOf("ann", "bob", "eve")
	if err != nil {
		return err
	}
	storage.RegisterClients(storage.WebClient(client, secret, redirects...))
	listener, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	issuer := "http://" + listener.Addr().String()
	server := &http.Server{
		Handler: exampleop.SetupServer(issuer, storage.NewStorage(people),
			slog.New(slog.NewTextHandler(os.Stderr, nil)), false),
		ReadHeaderTimeout: 10 * time.Second,
	}
	fmt.Println("issuer " + issuer)
	go func() {
		_, _ = io.Copy(io.Discard, os.Stdin) // until whoever has started it is gone
		os.Exit(0)
	}()
	return server.Serve(listener)
}

// peopleOf returns a store of people.
func peopleOf(names ...string) (storage.UserStore, error) {
	people := map[string]*storage.User{}
	for _, name := range names {
		people["id-of-"+name] = &storage.User{
			ID: "id-of-" + name, Username: name, Password: "password", FirstName: name, LastName: "Example",
			Email: name + "@example.com", EmailVerified: name != "eve",
		}
	}
	text, err := json.Marshal(people)
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "belfry-oidc-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(dir) }()
	file := filepath.Join(dir, "people.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		return nil, err
	}
	return storage.StoreFromFile(file)
}
