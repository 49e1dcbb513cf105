package faulty_test

import (
	"context"

	"github.com/belfry-scheduler/belfry/internal/domain"
)

type recordingKeys struct{ r *recording }

func (k recordingKeys) Add(context.Context, domain.APIKey) error { return k.r.note("Keys.Add") }
func (k recordingKeys) Revoke(context.Context, string, int64, bool) error {
	return k.r.note("Keys.Revoke")
}
func (k recordingKeys) Used(context.Context, map[string]int64) error { return k.r.note("Keys.Used") }
func (k recordingKeys) EndSession(context.Context, domain.EndedSession, int64) error {
	return k.r.note("Keys.EndSession")
}
func (k recordingKeys) EndedSessions(context.Context) ([]domain.EndedSession, error) {
	return make([]domain.EndedSession, 7), k.r.note("Keys.EndedSessions")
}
func (k recordingKeys) List(context.Context) ([]domain.APIKey, error) {
	return make([]domain.APIKey, 7), k.r.note("Keys.List")
}
