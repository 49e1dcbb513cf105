package alert

import "github.com/belfry-scheduler/belfry/internal/domain"

// sampleTypes are the types of messages.
var sampleTypes = []domain.NotificationType{
	domain.NoticeOpened, domain.NoticeUpdated, domain.NoticeRecovered, domain.NoticeDigest, domain.NoticeTest,
}

// SampleMessage returns a message of a type as it could be, for the preview of templates.
func SampleMessage(kind domain.NotificationType, link string) *Message {
	const began = 1_773_144_000_000 // 2026-03-10 12:00:00 UTC
	id := domain.JobID{1, 0x92, 0xf0, 0xc1, 0x2d, 0x3e, 0x7a, 0x4b, 0x8c, 0x5d, 0x6e, 0x7f, 0x80, 0x91, 0x0a, 0x1b}
	open := domain.Group{
		ID: domain.GroupID{1, 0x9c, 0xd7, 0x87, 0x9a, 0, 0x8d, 0x3c, 0x8f, 0x0e}, State: domain.GroupOpen,
		Rule: "default",
		By:   domain.ByHost, Key: "https://payments.example.com:443", Level: domain.LevelCritical,
		Counts: domain.GroupCounts{Jobs: 2_800, AllJobs: 2_800, Failures: 14_200}, FirstAt: began, LastAt: began +
			9_000,
		Told: domain.GroupTold{Seq: 2},
		Samples: []domain.GroupSample{{
			JobID: id, Name: "charge", Namespace: "default", Target: "payments.example.com:443",
			Execution: domain.NewExecutionID(id, began, 0), HTTPStatus: 503,
			Error: "503 Service Unavailable: no upstream",
			Count: 5, LastAt: began + 9_000, NextAt: began + 60_000,
		}},
	}
	over := open
	over.State, over.RecoveredAt, over.Counts.Jobs = domain.GroupRecovered, began+600_000, 0
	m := &Message{ID: domain.NotificationID(open.ID), Type: kind, At: began + 10_000, Link: link}
	switch kind {
	case domain.NoticeTest:
	case domain.NoticeRecovered:
		m.Groups = []domain.Group{over}
	case domain.NoticeDigest:
		m.Groups = []domain.Group{open, over}
	case domain.NoticeOpened, domain.NoticeUpdated:
		m.Groups = []domain.Group{open}
	}
	return m
}
