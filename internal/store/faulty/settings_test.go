package faulty_test

import (
	"errors"
	"testing"

	"github.com/belfry-scheduler/belfry/internal/clock"
	"github.com/belfry-scheduler/belfry/internal/domain"
	"github.com/belfry-scheduler/belfry/internal/store/faulty"
	"github.com/belfry-scheduler/belfry/internal/store/memory"
)

// A put whose answer was lost is done, and succeeds when it is repeated.
func TestFaultsOfAlertSettings(t *testing.T) {
	real, err := memory.NewDisk(clock.System{}).Open()
	if err != nil {
		t.Fatal(err)
	}
	s := faulty.New(real, 1)
	put := domain.AlertSetting{Kind: domain.SettingRule, ID: "r", Body: []byte(`{}`)}
	for i, fault := range []faulty.Fault{faulty.FailBefore, faulty.FailAfter} {
		s.Add(faulty.Rule{Method: "AlertSettings.PutAlertSetting", Fault: fault, Times: 1})
		if _, err := s.AlertSettings().PutAlertSetting(t.Context(), put, domain.Change{}); !errors.Is(err,
			faulty.ErrInjected) {
			t.Fatalf("error %v", err)
		}
		if n, err := s.AlertSettings().AlertSettingsRevision(t.Context()); err != nil || n != int64(i) {
			t.Errorf("after fault %d revision %d, %v", fault, n, err)
		}
	}
	if kept, err := s.AlertSettings().PutAlertSetting(t.Context(), put, domain.Change{}); err != nil ||
		kept.Revision != 1 {
		t.Errorf("%+v, %v", kept, err)
	}
	for _, call := range []func() error{
		func() error {
			_, err := s.AlertSettings().AlertSetting(t.Context(), put.Kind, put.ID)
			return err
		},
		func() error {
			_, err := s.AlertSettings().AlertSettings(t.Context(), put.Kind)
			return err
		},
		func() error {
			_, err := s.AlertSettings().PendingByChannel(t.Context())
			return err
		},
		func() error {
			return s.AlertSettings().DeleteAlertSetting(t.Context(), put.Kind, put.ID, 0, domain.Change{})
		},
	} {
		s.Add(faulty.Rule{Method: "AlertSettings", Fault: faulty.FailBefore, Times: 1})
		if err := call(); !errors.Is(err, faulty.ErrInjected) {
			t.Errorf("error %v", err)
		}
		if err := call(); err != nil {
			t.Error(err)
		}
	}
}
