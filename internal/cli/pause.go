package cli

import (
	"errors"
	"fmt"
	"time"

	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/belfry-scheduler/belfry/internal/wire"
	"github.com/spf13/pflag"
)

// pauseFlags are the flags about a pause.
type pauseFlags struct {
	reason, until string
	lasts         time.Duration
}

func (f *pauseFlags) add(fs *pflag.FlagSet) {
	fs.StringVar(&f.reason, "reason", "", "why, for people")
	fs.StringVar(&f.until, "until", "", "when the jobs fire again by themselves, Unix milliseconds or RFC 3339\n"+
		"(default once they are resumed)")
	fs.DurationVar(&f.lasts, "for", 0, "or after how long from now on, as in 2h30m")
}

// pausing returns what they say. One without a value is not meant: a script whose variable is empty has written it.
func (f *pauseFlags) pausing(fs *pflag.FlagSet, now time.Time) (p client.Pausing, err error) {
	switch {
	case fs.Changed("reason") && f.reason == "", fs.Changed("until") && f.until == "":
		return p, errors.New("--reason or --until is empty: leave it out to say nothing of it")
	case fs.Changed("until") && fs.Changed("for"):
		return p, errors.New("say when the pause ends in one way: --until or --for")
	case fs.Changed("for") && f.lasts <= 0:
		return p, fmt.Errorf("--for=%s: must be more than 0", f.lasts)
	case fs.Changed("for"):
		return client.Pausing{Reason: f.reason, Until: instantText(now.Add(f.lasts))}, nil
	case f.until == "":
		return client.Pausing{Reason: f.reason}, nil
	}
	ms, fault := wire.ParseInstant(f.until)
	if fault != "" {
		return p, fmt.Errorf("--until=%s: %s", f.until, fault)
	}
	return client.Pausing{Reason: f.reason, Until: instantText(time.UnixMilli(ms))}, nil
}

// instantText writes an instant as requests have it, to the millisecond.
func instantText(at time.Time) string {
	return at.UTC().Truncate(time.Millisecond).Format(time.RFC3339Nano)
}
