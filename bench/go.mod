module github.com/belfry-scheduler/belfry/bench

go 1.26.0

require (
	github.com/belfry-scheduler/belfry v0.0.0
	github.com/netresearch/go-cron v0.9.1
	github.com/robfig/cron/v3 v3.0.1
)

replace github.com/belfry-scheduler/belfry => ../
