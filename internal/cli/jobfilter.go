package cli

import (
	"github.com/belfry-scheduler/belfry/internal/client"
	"github.com/spf13/pflag"
)

// jobFlags are the flags that select jobs and have no value when they are absent.
type jobFlags struct{ active, failing bool }

// add adds the flags that select jobs. The texts go into the filter at once.
func (j *jobFlags) add(fs *pflag.FlagSet, f *client.JobFilter) {
	fs.BoolVar(&j.active, "active", true, "only active jobs, or with =false only paused ones")
	fs.BoolVar(&j.failing, "failing", true, "only jobs that failed last, or with =false only the others")
	fs.StringVar(&f.Namespace, "namespace", "", "only jobs of this namespace")
	fs.StringVar(&f.Key, "key", "", "only the job with this key, in each namespace")
	fs.StringVar(&f.Name, "name", "", "only jobs with exactly this name")
	fs.StringVar(&f.Tag, "tag", "", "only jobs with this tag")
	fs.StringVar(&f.Host, "host", "", "only jobs that call this host: NAME, NAME:PORT or https://NAME")
	fs.StringVar(&f.Text, "text", "", "only jobs whose name, api or id contains this text")
	for _, name := range []string{"active", "failing"} {
		fs.Lookup(name).DefValue = ""
	}
}

// into completes a filter after the flags were parsed.
func (j *jobFlags) into(fs *pflag.FlagSet, f *client.JobFilter) {
	if fs.Changed("active") {
		f.Active = &j.active
	}
	if fs.Changed("failing") {
		f.Failing = &j.failing
	}
}
