package api

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/edit"
	"github.com/belfry-scheduler/belfry/internal/peer"
)

type (
	forwardedKey struct{} // of a request that another node has sent
	identityKey  struct{} // under which it makes what it makes
	askedKey     struct{} // the job of one that another node may have carried out
)

// askingAbout returns a context for a request that another node may have carried out, about a job.
func askingAbout(ctx context.Context, id domain.JobID) context.Context {
	return context.WithValue(ctx, askedKey{}, id)
}

// askedAbout returns the job that another node was asked about, if that may have done what was asked.
func askedAbout(ctx context.Context) (domain.JobID, bool) {
	id, asked := ctx.Value(askedKey{}).(domain.JobID)
	return id, asked
}

// forwarded reports whether another node has sent a request: it is not sent on.
func forwarded(ctx context.Context) bool { return ctx.Value(forwardedKey{}) != nil }

// identityOf returns under what a request makes what it makes, if that is decided.
func identityOf(ctx context.Context) (peer.Identity, bool) {
	is, ok := ctx.Value(identityKey{}).(peer.Identity)
	return is, ok
}

// identified returns a context under which a request makes what it makes under an identity.
func identified(ctx context.Context, is peer.Identity) context.Context {
	if is == (peer.Identity{}) {
		return ctx
	}
	ctx = context.WithValue(ctx, identityKey{}, is)
	if is.Due == 0 {
		return ctx
	}
	return edit.WithTrigger(ctx, is.Due, is.Nonce)
}
