// Package bench compares Belfry's cron engine with others, in a module of its own so that Belfry depends on none of
// them.
//
//	go test -run . -bench Median -benchtime 1x ./...     the medians, a few seconds
//	go test -run xxx -bench Next -count 10 ./... | benchstat -col /lib -
//
// All of them answer for the same expressions from the same instants: those of crontest.Mix
// that every library reads the same way (42 of 50; TestSameFires shows that they do).
package bench
