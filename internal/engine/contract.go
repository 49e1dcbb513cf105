package engine

import "github.com/belfry-scheduler/belfry/internal/domain"

// Created is what became of one document of [Engine.Create].
type Created struct {
	Version domain.Version // version 1 of the new job, when Err is nil
	Err     error
}

// Health is the engine's own view of whether it does its work.
type Health struct {
	Ready  bool // all checks are OK and recovery has read the record
	Checks []Check
}

// Check is one reason for which the engine may be unhealthy.
type Check struct {
	Name    string // "store", "timetable", ...
	OK      bool
	Detail  string // the reason when it is not OK, for people
	Warning string // what somebody should look at although it is OK; empty: nothing
}
