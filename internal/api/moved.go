package api

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store"
	"github.com/belfry-scheduler/belfry/internal/wire"
)

const (
	// secretsKnownFor is how long whoever set a secret is taken to know it: long enough
	// to correct the URL of a new job.
	secretsKnownFor = time.Hour

	// entriesRead is how many entries of the trail are read for that, each with two versions
	// without their bodies. Those take up to 40 KiB each, so that entriesBytes is a part of
	// what the request has been lent: see jobCost.
	entriesRead  = 20
	entriesBytes = 128 << 10
)

// secretMoves decides whether a change may send the secrets of a job to another origin.
// Whoever may change a job does not see its secrets, and must not get to know them by
// having them sent to a server of his own.
type secretMoves struct {
	changes store.Changes
	clock   clock.Clock
}

// altering returns what lays a change over a job: the rules of every change, and then
// those of its secrets. keep says that the caller asked for the secrets to be kept.
func (m *secretMoves) altering(ctx context.Context, rules *jobRules, id domain.JobID,
	lay func(*domain.SpecDoc) error, keep bool) func(*domain.SpecDoc) error {
	return func(doc *domain.SpecDoc) error {
		before := *doc
		if err := rules.change(doc, lay); err != nil {
			return err
		}
		return m.check(ctx, id, &before, &doc.Spec, lay, keep)
	}
}

func (m *secretMoves) check(ctx context.Context, id domain.JobID, before *domain.SpecDoc, after *domain.Spec,
	lay func(*domain.SpecDoc) error, keep bool) error {
	who := visitorOf(ctx)
	if keep && !who.role.Covers(domain.RoleAdmin) {
		return kindRole.problem("keepSecrets takes an admin.")
	}
	field := domain.SentElsewhere(&before.Spec, after)
	if field == "" || keep {
		return nil
	}
	return m.checkKept(ctx, id, &move{before.API, after.API, field, &before.Spec, wire.KeptSecrets(before, lay)})
}

// move sends secrets from one URL to another.
type move struct {
	from, to string
	field    string       // by which it does
	of       *domain.Spec // whose secrets
	kept     []string     // those that are not sent anew, as [wire.KeptSecrets] names them
}

// checkKept refuses a move of secrets that the caller does not know.
func (m *secretMoves) checkKept(ctx context.Context, id domain.JobID, mv *move) error {
	who, kept := visitorOf(ctx), mv.kept
	if len(kept) == 0 {
		return nil
	}
	if who.author.Key != domain.AuthorAnonymous { // who may be anybody
		now := clock.NowMs(m.clock)
		entries, err := m.changes.List(ctx, store.ChangeQuery{
			JobID: id, From: now - secretsKnownFor.Milliseconds(), To: now, Limit: entriesRead,
			MaxBytes: entriesBytes, MaxBody: 1, // a body has no secret
		})
		if err != nil {
			return store.Coded(err)
		}
		known := func(field string) bool {
			return setBy(entries, field, secretOf(mv.of, field)) == cmp.Or(who.author.Key, "nobody")
		}
		if kept = slices.DeleteFunc(kept, known); len(kept) == 0 {
			return nil
		}
	}
	why := "is at another origin than " + mv.from
	var value any = mv.to
	if mv.field != "api" {
		why, value = "lets others answer for the target", true
	}
	return domain.InvalidAs(domain.FieldMasked, mv.field, why+": the job's secrets would be sent there, so they must "+
		"be sent anew with this change ("+strings.Join(kept, ", ")+"), or an admin adds "+
		"keepSecrets=true to the URL", value)
}

// setBy returns the key that set a secret to the value that it has, or "" if that is not
// in the entries, the newest of which come first.
func setBy(entries []domain.Change, field, value string) string {
	for i := range entries {
		e := &entries[i]
		switch {
		case e.After == nil || !holds(&e.After.Spec, field, value):
		case e.Before != nil && !holds(&e.Before.Spec, field, value),
			e.Before == nil && (e.Action == domain.ActionCreate || e.Action == domain.ActionImport):
			return e.By.Key
		}
	}
	return ""
}

// isSigning reports whether a field that [wire.KeptSecrets] has named is a signing secret.
func isSigning(field string) bool { return strings.HasPrefix(field, "signing.") }

// holds reports whether a spec has a secret; one that signs, at any place: a rotation
// moves it.
func holds(s *domain.Spec, field, value string) bool {
	if isSigning(field) {
		for _, secret := range s.Signing.Secrets {
			if secret.Reveal() == value {
				return true
			}
		}
		return false
	}
	return secretOf(s, field) == value
}

// secretOf returns the value of a field that [wire.KeptSecrets] has named.
func secretOf(s *domain.Spec, field string) string {
	for i, secret := range s.Signing.Secrets {
		if field == fmt.Sprintf("signing.secrets[%d]", i) {
			return secret.Reveal()
		}
	}
	for name, value := range s.Headers {
		if strings.EqualFold("headers."+name, field) {
			return value
		}
	}
	return ""
}

// forAdmins lets a change that sends the secrets that are stored alter nothing, if the caller
// is an admin. Others must not see whether they have guessed one; admins may have them shown.
func forAdmins(ctx context.Context, alter func(*domain.SpecDoc) error) func(*domain.SpecDoc) error {
	if !visitorOf(ctx).role.Covers(domain.RoleAdmin) {
		return alter
	}
	return func(doc *domain.SpecDoc) error {
		err := alter(doc)
		doc.SecretsSent = false
		return err
	}
}
