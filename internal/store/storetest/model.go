package storetest

import "testing"

var modelCases = []testCase{
	{"dummy", func(*testing.T, *fixture) {}},
}
